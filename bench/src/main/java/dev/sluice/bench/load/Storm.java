package dev.sluice.bench.load;

import dev.sluice.bench.load.Entrance.NotUpgraded;
import dev.sluice.bench.process.BenchFailure;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Clients that all come at once. Whoever is refused, or fails, waits as long as the server asks for and then a random
 * time up to a limit that doubles from one attempt to the next, and comes again.
 *
 * <p>They live on an event loop of their own, so that those whose deliveries are timed need not wait for their turn there.
 */
public final class Storm implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /**
     * How long an attempt may take, as in the browser module. Without it one whose handshake the kernel has dropped, since
     * more came than its queue of those to accept holds, would wait for as long as the kernel repeats its request.
     */
    private static final Duration ATTEMPT = Duration.ofSeconds(20);

    private static final long FIRST_JITTER_MILLIS = 1_000;
    private static final long MAX_JITTER_MILLIS = 8_000;

    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final Bootstrap bootstrap = LoadGenerator.bootstrap(loop);
    private final Deliveries deliveries = new Deliveries();
    private final SocketAddress server;
    private final List<Session> sessions;
    private final int attempts;
    private final CompletableFuture<Course> over = new CompletableFuture<>();
    private final Map<Long, Integer> enteredBySecond = new HashMap<>();

    private long start;
    private int entered;
    private int givenUp;
    private int refusals;
    private int failures;

    /**
     * How it went.
     *
     * @param length until the last one was in or had given up
     * @param entered how many are in
     * @param busiestSecond how many entered in the second in which most did
     * @param refusals how often one was told to come again
     * @param failures how often an attempt ended otherwise
     */
    public record Course(Duration length, int entered, int busiestSecond, int refusals, int failures) {}

    /** @param attempts after which a client gives up */
    public Storm(SocketAddress server, List<Session> sessions, int attempts) {
        this.server = server;
        this.sessions = sessions;
        this.attempts = attempts;
    }

    /** Lets it loose and waits until it is over; those who are in stay until this is closed. */
    public void rage() {
        start = System.nanoTime();
        for (Session session : sessions) {
            loop.execute(() -> attempt(session, 1));
        }
        try {
            over.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new BenchFailure("the storm: " + e.getCause().getMessage(), e.getCause());
        } catch (TimeoutException e) {
            throw new BenchFailure("the storm is not over after %d s".formatted(PATIENCE.toSeconds()), e);
        } catch (InterruptedException e) {
            throw new BenchFailure("interrupted", e);
        }
    }

    /** Of one that is over. */
    public Course course() {
        return over.join();
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, PATIENCE.toSeconds(), TimeUnit.SECONDS).syncUninterruptibly();
    }

    private void attempt(Session session, int attempt) {
        CompletableFuture<Channel> entry = new CompletableFuture<>();
        entry.whenComplete((channel, failure) -> {
            if (failure == null) {
                enter();
            } else {
                fail(session, attempt, failure);
            }
        });
        Entrance entrance = new Entrance(session, new Receiver(deliveries), entry);
        ChannelFuture connect = bootstrap.clone().handler(entrance).connect(server);
        connect.addListener(connected -> {
            if (!connected.isSuccess()) {
                entry.completeExceptionally(connected.cause());
            }
        });
        ScheduledFuture<?> late = loop.schedule(
                () -> {
                    entry.completeExceptionally(new IOException("no answer in time"));
                    connect.channel().close();
                },
                ATTEMPT.toSeconds(),
                TimeUnit.SECONDS);
        entry.whenComplete((channel, failure) -> late.cancel(false));
    }

    private void enter() {
        entered++;
        enteredBySecond.merge(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start), 1, Integer::sum);
        endWithTheLast();
    }

    private void fail(Session session, int attempt, Throwable failure) {
        long wait = 0;
        if (failure instanceof NotUpgraded answer && answer.isForNow()) {
            refusals++;
            wait = answer.retryAfter().toMillis();
        } else {
            failures++;
        }
        if (attempt == attempts) {
            givenUp++;
            endWithTheLast();
            return;
        }
        long jitter = Math.min(MAX_JITTER_MILLIS, FIRST_JITTER_MILLIS << Math.min(attempt - 1, 10));
        wait += ThreadLocalRandom.current().nextLong(jitter);
        loop.schedule(() -> attempt(session, attempt + 1), wait, TimeUnit.MILLISECONDS);
    }

    private void endWithTheLast() {
        if (entered + givenUp == sessions.size()) {
            int busiest =
                    enteredBySecond.values().stream().mapToInt(x -> x).max().orElse(0);
            over.complete(
                    new Course(Duration.ofNanos(System.nanoTime() - start), entered, busiest, refusals, failures));
        }
    }
}
