package dev.sluice.bench.load;

import dev.sluice.bench.load.Drive.ClosedLoop;
import dev.sluice.bench.load.Drive.Pace;
import dev.sluice.bench.load.Drive.WorkloadPublisher;
import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.Publication.Payload;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.load.Receiver.Deliveries;
import dev.sluice.bench.load.Receiver.Sleeper;
import dev.sluice.harness.Waiting;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.unix.IntegerUnixChannelOption;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/**
 * Clients and publisher of one trial. Only the thread of their event loop uses their state. The methods of this class are for one other
 * thread, and block.
 */
public final class LoadGenerator implements AutoCloseable {

    /** How long clients may take to connect: this, and so much for each. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final Duration PATIENCE_FOR_EACH = Duration.ofMillis(5);

    /** The number of clients that connect at the same time, so that none exceeds a time limit of the server. */
    private static final int AT_A_TIME = 128;

    private static final Duration DRAIN = Duration.ofSeconds(20);
    /** The time without deliveries after which no more are expected. */
    private static final Duration SURPLUS_WAIT = Duration.ofMillis(300);

    /** {@code IPPROTO_TCP} and {@code TCP_MAXSEG} of Linux. */
    private static final ChannelOption<Integer> TCP_MAXSEG = new IntegerUnixChannelOption("TCP_MAXSEG", 6, 2);

    private static final int NETWORK_SEGMENT = 1460;
    private static final int SMALL_BUFFER = 4096;

    private final ClientLoop loop = new ClientLoop();
    private final Deliveries deliveries = new Deliveries();
    private final List<Receiver> receivers = new ArrayList<>();
    private final List<Sleeper> sleepers = new ArrayList<>();
    private int admitted;
    private WorkloadPublisher publisher;
    private Drive drive;

    /** Connects clients that read everything; they are numbered from 0, in order. */
    public void admit(SocketAddress server, List<Session> sessions) {
        admit(Receiver.bootstrap(loop), server, sessions, session -> {
            Receiver receiver = new Receiver(deliveries, session.format());
            receivers.add(receiver);
            return receiver;
        });
    }

    /**
     * Connects clients that then read nothing. Their segments have the size of a real network (with those of the loopback
     * the kernel would buffer megabytes for each client) and their buffers are small, so that the server's send queue is
     * full within seconds.
     */
    public void admitSleeping(SocketAddress server, List<Session> sessions) {
        Bootstrap small = Receiver.bootstrap(loop)
                .option(ChannelOption.SO_RCVBUF, SMALL_BUFFER)
                .option(TCP_MAXSEG, NETWORK_SEGMENT);
        admit(small, server, sessions, session -> {
            Sleeper sleeper = new Sleeper();
            sleepers.add(sleeper);
            return sleeper;
        });
    }

    /**
     * Publishes as fast as the server can, with at most {@code window} units under way, and at least {@code refill} at
     * once.
     */
    public void publishInClosedLoop(
            SocketAddress to, PublishProtocol protocol, Workload workload, int window, int refill) {
        connectPublisher(to, protocol, workload, 1);
        begin(new ClosedLoop(publisher, deliveries, window, refill));
    }

    /**
     * Publishes at a constant rate.
     *
     * @param connections over which each burst is spread
     */
    public void publishAtPace(
            SocketAddress to, PublishProtocol protocol, Workload workload, int unitsPerSecond, int connections) {
        connectPublisher(to, protocol, workload, connections);
        begin(new Pace(loop.eventLoop(), publisher, unitsPerSecond));
    }

    /** Returns the current state of the load, and starts new latencies. */
    public Mark mark() {
        return loop.call(() -> new Mark(
                Payload.now(),
                publisher == null ? 0 : publisher.publications(),
                deliveries.count(),
                deliveries.takeLatencies()));
    }

    /** Stops publishing, waits for outstanding deliveries, and fails if a client received too few or too many. */
    public void stopAndVerify() {
        loop.run(drive::stop);
        long deadline = System.nanoTime() + DRAIN.toNanos();
        while (!loop.call(this::isComplete) && System.nanoTime() < deadline) {
            Waiting.sleep(Duration.ofMillis(10));
        }
        Waiting.sleep(SURPLUS_WAIT);
        loop.run(this::verify);
    }

    /** Makes the clients that read nothing read again, and counts the connections that the server has closed. */
    public int wakeAndCountClosed(Duration wait) {
        loop.run(() -> sleepers.forEach(Sleeper::readAgain));
        Waiting.sleep(wait);
        return loop.call(() -> (int) sleepers.stream().filter(Sleeper::isClosed).count());
    }

    @Override
    public void close() {
        loop.close();
    }

    private void admit(
            Bootstrap bootstrap,
            SocketAddress server,
            List<Session> sessions,
            Function<Session, ChannelInboundHandler> handlers) {
        Queue<Session> waiting = new ArrayDeque<>(sessions);
        CompletableFuture<Void> all = loop.call(
                () -> CompletableFuture.allOf(Stream.generate(() -> admitNext(bootstrap, server, waiting, handlers))
                        .limit(AT_A_TIME)
                        .toArray(CompletableFuture<?>[]::new)));
        ClientLoop.await(all, PATIENCE.plus(PATIENCE_FOR_EACH.multipliedBy(sessions.size())));
    }

    /** Connects one client after the other, until none is waiting. */
    private CompletableFuture<Void> admitNext(
            Bootstrap bootstrap,
            SocketAddress server,
            Queue<Session> waiting,
            Function<Session, ChannelInboundHandler> handlers) {
        Session session = waiting.poll();
        if (session == null) {
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<Channel> entered = new CompletableFuture<>();
        Bootstrap next = bootstrap.clone().localAddress(ClientLoop.source(admitted++));
        Entrance.connect(next, server, session, handlers.apply(session), entered);
        return entered.thenCompose(channel -> admitNext(bootstrap, server, waiting, handlers));
    }

    private void connectPublisher(SocketAddress to, PublishProtocol protocol, Workload workload, int connections) {
        publisher = new WorkloadPublisher(protocol, workload);
        for (int i = 0; i < connections; i++) {
            Receiver.bootstrap(loop).handler(publisher.connection()).connect(to).syncUninterruptibly();
        }
    }

    private void begin(Drive how) {
        drive = how;
        loop.run(how::start);
    }

    private boolean isComplete() {
        return deliveries.count() >= expectedDeliveries() && publisher.acknowledged() >= publisher.publications();
    }

    private long expectedDeliveries() {
        long sum = 0;
        for (int i = 0; i < receivers.size(); i++) {
            sum += publisher.workload().expected(i, publisher.units());
        }
        return sum;
    }

    private void verify() {
        if (deliveries.lostReceivers() > 0) {
            throw new IllegalStateException(deliveries.lostReceivers() + " connections were closed on the way");
        }
        if (publisher.acknowledged() != publisher.publications()) {
            throw new IllegalStateException("made %,d publications, of which %,d were acknowledged"
                    .formatted(publisher.publications(), publisher.acknowledged()));
        }
        for (int i = 0; i < receivers.size(); i++) {
            long expected = publisher.workload().expected(i, publisher.units());
            long received = receivers.get(i).messages();
            if (received != expected) {
                throw new IllegalStateException(
                        "client %d received %,d messages, expected %,d (all together: %,d of %,d)"
                                .formatted(i, received, expected, deliveries.count(), expectedDeliveries()));
            }
        }
    }

    /**
     * The state of the load at one moment.
     *
     * @param nanos the moment
     * @param publications made so far by the publisher that was started last
     * @param deliveries received so far
     * @param latencies of the deliveries since the mark before, in nanoseconds
     */
    public record Mark(long nanos, long publications, long deliveries, Histogram latencies) {}
}
