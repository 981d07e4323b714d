package dev.sluice.bench.load;

import dev.sluice.bench.load.Entrance.NotUpgraded;
import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.Receiver.Deliveries;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Clients that all connect at once. A client that is refused, or fails, waits as long as the server asks, then a random
 * time up to a limit that doubles with each attempt, and tries again.
 *
 * <p>They have an event loop of their own, so that they do not delay the clients whose latencies are measured.
 */
public final class Storm implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /**
     * How long an attempt may take, as in the browser module. Without this limit an attempt whose handshake the kernel
     * dropped, because its accept queue was full, would wait until the kernel gives up retransmitting.
     */
    private static final Duration ATTEMPT = Duration.ofSeconds(20);

    private static final long FIRST_JITTER_MILLIS = 1_000;
    private static final long MAX_JITTER_MILLIS = 8_000;

    private final ClientLoop clients = new ClientLoop();
    private final EventLoop loop = clients.eventLoop();
    private final Bootstrap bootstrap = Receiver.bootstrap(clients);
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
     * The result of a storm.
     *
     * @param length the time until the last client had connected or given up
     * @param entered the number of clients that connected
     * @param busiestSecond the most clients that connected within one second
     * @param refusals the number of refused attempts
     * @param failures the number of attempts that failed otherwise
     */
    public record Course(Duration length, int entered, int busiestSecond, int refusals, int failures) {}

    /** @param attempts the number of attempts after which a client gives up */
    public Storm(SocketAddress server, List<Session> sessions, int attempts) {
        this.server = server;
        this.sessions = sessions;
        this.attempts = attempts;
    }

    /** Connects all, and returns when none is waiting; they stay connected until this is closed. */
    public void run() {
        start = System.nanoTime();
        for (Session session : sessions) {
            loop.execute(() -> attempt(session, 1));
        }
        ClientLoop.await(over, PATIENCE);
    }

    /** The result of a storm that is over. */
    public Course course() {
        return over.join();
    }

    @Override
    public void close() {
        clients.close();
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
        ChannelFuture connect =
                Entrance.connect(bootstrap, server, session, new Receiver(deliveries, session.format()), entry);
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
