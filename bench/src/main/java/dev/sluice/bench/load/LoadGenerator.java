package dev.sluice.bench.load;

import dev.sluice.bench.load.Drive.ClosedLoop;
import dev.sluice.bench.load.Drive.Pace;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.load.Receiver.Sleeper;
import dev.sluice.bench.process.BenchFailure;
import dev.sluice.bench.process.Waiting;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelInboundHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.IntegerUnixChannelOption;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;

/**
 * Clients and publisher of one trial. All of them live on one event loop, whose thread alone touches their state; the
 * methods here are for one other thread, and block.
 */
public final class LoadGenerator implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration DRAIN = Duration.ofSeconds(20);
    /** How long nothing may come any more before it is believed that nothing does. */
    private static final Duration SURPLUS_WAIT = Duration.ofMillis(300);

    private static final int READ_BUFFER = 32 * 1024;

    /** {@code IPPROTO_TCP} and {@code TCP_MAXSEG} of Linux. */
    private static final ChannelOption<Integer> TCP_MAXSEG = new IntegerUnixChannelOption("TCP_MAXSEG", 6, 2);

    private static final int NETWORK_SEGMENT = 1460;
    private static final int SMALL_BUFFER = 4096;

    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final Deliveries deliveries = new Deliveries();
    private final List<Receiver> receivers = new ArrayList<>();
    private final List<Sleeper> sleepers = new ArrayList<>();
    private Publisher publisher;
    private Drive drive;

    /** Lets clients enter that read all they get; they are numbered from 0, in order. */
    public void admit(SocketAddress server, List<Session> sessions) {
        admit(bootstrap(), server, sessions, () -> {
            Receiver receiver = new Receiver(deliveries);
            receivers.add(receiver);
            return receiver;
        });
    }

    /**
     * Lets clients enter that then read nothing. Their segments are those of a real network (a loopback's would make the
     * kernel keep megabytes for each of them) and they have next to no room themselves, so that the server's send queue
     * is full within seconds.
     */
    public void admitSleeping(SocketAddress server, List<Session> sessions) {
        Bootstrap small =
                bootstrap().option(ChannelOption.SO_RCVBUF, SMALL_BUFFER).option(TCP_MAXSEG, NETWORK_SEGMENT);
        admit(small, server, sessions, () -> {
            Sleeper sleeper = new Sleeper();
            sleepers.add(sleeper);
            return sleeper;
        });
    }

    /** Publishes as fast as the server can, with no more than {@code window} units on their way. */
    public void publishInClosedLoop(SocketAddress to, PublishProtocol protocol, Traffic traffic, int window) {
        connectPublisher(to, protocol, traffic);
        begin(new ClosedLoop(publisher, deliveries, window));
    }

    /** Publishes evenly. */
    public void publishAtPace(SocketAddress to, PublishProtocol protocol, Traffic traffic, int unitsPerSecond) {
        connectPublisher(to, protocol, traffic);
        begin(new Pace(loop, publisher, unitsPerSecond));
    }

    /** Where the load stands now; latencies are counted anew from here. */
    public Mark mark() {
        return call(() -> new Mark(Payload.now(), deliveries.count(), deliveries.takeLatencies()));
    }

    /** Publishes no more, waits for what is on its way, and fails where anybody received too little or too much. */
    public void stopAndVerify() {
        call(() -> {
            drive.stop();
            return null;
        });
        long deadline = System.nanoTime() + DRAIN.toNanos();
        while (!call(this::isComplete) && System.nanoTime() < deadline) {
            Waiting.sleep(Duration.ofMillis(10));
        }
        Waiting.sleep(SURPLUS_WAIT);
        call(() -> {
            verify();
            return null;
        });
    }

    /** Lets those who read nothing read again, and counts those whose connection turns out to be closed. */
    public int wakeAndCountClosed(Duration wait) {
        call(() -> {
            sleepers.forEach(Sleeper::wake);
            return null;
        });
        Waiting.sleep(wait);
        return call(() -> (int) sleepers.stream().filter(Sleeper::isClosed).count());
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, PATIENCE.toSeconds(), TimeUnit.SECONDS).syncUninterruptibly();
    }

    private void admit(
            Bootstrap bootstrap,
            SocketAddress server,
            List<Session> sessions,
            Supplier<? extends ChannelInboundHandler> handlers) {
        Arrivals arrivals = new Arrivals(bootstrap, server, sessions, handlers);
        await(call(arrivals::begin));
    }

    private void connectPublisher(SocketAddress to, PublishProtocol protocol, Traffic traffic) {
        publisher = new Publisher(protocol, traffic);
        bootstrap().handler(publisher).connect(to).syncUninterruptibly();
    }

    private void begin(Drive how) {
        drive = how;
        call(() -> {
            how.start();
            return null;
        });
    }

    private Bootstrap bootstrap() {
        return bootstrap(loop);
    }

    /** For clients on that event loop. */
    static Bootstrap bootstrap(EventLoop loop) {
        return new Bootstrap()
                .group(loop)
                .channel(EpollSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true)
                // Closing resets, so that no port is left waiting.
                .option(ChannelOption.SO_LINGER, 0)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(READ_BUFFER));
    }

    private boolean isComplete() {
        return deliveries.count() >= expectedDeliveries() && publisher.acknowledged() >= publisher.publications();
    }

    private long expectedDeliveries() {
        long sum = 0;
        for (int i = 0; i < receivers.size(); i++) {
            sum += publisher.traffic().expected(i, publisher.units());
        }
        return sum;
    }

    private void verify() {
        if (deliveries.lostReceivers() > 0) {
            throw new BenchFailure(deliveries.lostReceivers() + " connections were closed on the way");
        }
        if (publisher.acknowledged() != publisher.publications()) {
            throw new BenchFailure("made %,d publications, of which %,d were acknowledged"
                    .formatted(publisher.publications(), publisher.acknowledged()));
        }
        for (int i = 0; i < receivers.size(); i++) {
            long expected = publisher.traffic().expected(i, publisher.units());
            long received = receivers.get(i).messages();
            if (received != expected) {
                throw new BenchFailure("client %d received %,d messages, expected %,d (all together: %,d of %,d)"
                        .formatted(i, received, expected, deliveries.count(), expectedDeliveries()));
            }
        }
    }

    private <T> T call(Callable<T> onLoop) {
        CompletableFuture<T> result = new CompletableFuture<>();
        loop.execute(() -> {
            try {
                result.complete(onLoop.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return await(result);
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof BenchFailure failure
                    ? failure
                    : new BenchFailure("the load generator: " + e.getCause().getMessage(), e.getCause());
        } catch (TimeoutException e) {
            throw new BenchFailure("the load generator is still waiting after " + PATIENCE.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            throw new BenchFailure("interrupted", e);
        }
    }

    /**
     * Where the load stands at a moment.
     *
     * @param nanos the moment
     * @param deliveries received so far
     * @param latencies of the deliveries since the mark before, in nanoseconds
     */
    public record Mark(long nanos, long deliveries, Histogram latencies) {}
}
