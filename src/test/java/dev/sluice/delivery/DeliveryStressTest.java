package dev.sluice.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.Scope;
import dev.sluice.guard.Slot;
import dev.sluice.harness.Histories;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Outbox;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.retain.Retention;
import dev.sluice.retain.TestRetention;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.session.TestCommandHandler;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.DelayQueue;
import java.util.concurrent.Delayed;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Tests everything from the thread that reads Redis to the frame writers, with real threads: clients connect,
 * disconnect, subscribe, unsubscribe and stop reading while one thread publishes. Each publication carries its number
 * within its channel, so that each writer detects losses, duplicates and wrong order.
 */
@Execution(ExecutionMode.CONCURRENT)
class DeliveryStressTest {

    private static final int LOOPS = 3;
    private static final int CLIENTS = 8;
    private static final int PUBLICATIONS = Histories.halfOf(100_000);

    /** More follow until the clients, which a busy machine may delay, have done and received as much as this, of each kind. */
    private static final int ENOUGH = 10_000;

    private static final int MAX_PUBLICATIONS = 20 * PUBLICATIONS;
    private static final int MAX_OUTBOX = 192 * 1024;
    private static final long MAX_PENDING = 256 * 1024;

    /** Channels on which users with several connections never unsubscribe. */
    private static final int STEADY = 4;

    /** From this channel on, users with several connections don't subscribe. */
    private static final int SHARED = 8;

    private static final int CHANNELS = 12;

    private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
    private final List<ExecutorService> executors = new ArrayList<>();
    private final List<Slot> places = new ArrayList<>();
    private final Feeder feeder = new Feeder();
    private final Thread feeding = new Thread(feeder, "feeder");
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final OutboxFactory outboxes = TestOutboxFactory.with(MAX_OUTBOX, Duration.ofMinutes(10), metrics);
    private final Retention retention = TestRetention.with(1000);
    private final Map<Channel, Published> published = new ConcurrentHashMap<>();

    // Asserts that the test exercised what it is about.
    private final LongAdder received = new LongAdder();
    private final LongAdder missed = new LongAdder();
    private final LongAdder given = new LongAdder();
    private final LongAdder repeated = new LongAdder();
    private final LongAdder overflows = new LongAdder();
    private final LongAdder lags = new LongAdder();
    private final LongAdder actions = new LongAdder();

    private volatile boolean acting = true;
    private @Nullable Registry maybeRegistry;
    private @Nullable DeliveryDispatcher maybeDeliveries;
    private boolean exclusive;
    private boolean retain;
    private boolean lossy;

    @AfterEach
    void stop() throws InterruptedException {
        acting = false;
        feeding.interrupt();
        feeding.join(10_000);
        executors.forEach(ExecutorService::shutdownNow);
        for (ExecutorService executor : executors) {
            assertThat(executor.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "CONNECTION, true, false, 1",
        "CONNECTION, false, false, 2",
        "CONNECTION, true, true, 3",
        "USER, true, false, 4",
        "USER, false, false, 5",
        "USER, true, true, 6"
    })
    void nothingIsSilentlyLostRepeatedOrReordered(Scope scope, boolean retained, boolean lagging, long seed)
            throws Exception {
        exclusive = scope == Scope.CONNECTION;
        retain = retained;
        lossy = lagging;
        start(scope, seed);
        feeder.published.await();
        acting = false;
        for (Slot place : places) {
            assertThat(place.stopped.await(30, TimeUnit.SECONDS)).isTrue();
        }
        settle();
        for (Slot place : places) {
            on(place, () -> place.clients.forEach(Client::read));
        }
        settle();
        for (Slot place : places) {
            on(place, () -> place.clients.forEach(Client::caughtUp));
        }
        for (Slot place : places) {
            on(place, () -> place.clients.forEach(client -> client.connection().disconnect(Disconnect.GOING_AWAY)));
        }
        settle();

        assertThat(wrong).isEmpty();
        assertThat(TestRegistries.isEmpty(registry())).isTrue();
        assertThat(gauge("sluice.outbox.pending.bytes")).isZero();
        assertThat(gauge("sluice.feed.pending.bytes")).isZero();
        assertThat(received.sum()).isGreaterThanOrEqualTo(ENOUGH);
        assertThat(actions.sum()).isGreaterThanOrEqualTo(ENOUGH);
        assertThat(missed.sum()).isGreaterThan(100);
        assertThat(overflows.sum() > 0 || lossy).isTrue();
        assertThat(feeder.pauses.get()).isPositive();
        assertThat(given.sum() > 0).isEqualTo(retain);
        assertThat(repeated.sum()).isPositive();
        assertThat(lags.sum() > 0).isEqualTo(lossy);
    }

    private void start(Scope scope, long seed) throws Exception {
        Registry registry = TestRegistries.with(scope);
        DeliveryDispatcher deliveries = new DeliveryDispatcher(
                feeder,
                registry,
                TestOutboxFactory.ROUTES,
                new Backlog.Bounds(MAX_PENDING, outboxes.maxBatchBytes()),
                lossy ? Duration.ofMillis(1) : Duration.ofHours(1),
                lag -> places.get(lag.loop().index()).lagged(),
                metrics);
        maybeRegistry = registry;
        maybeDeliveries = deliveries;
        TestCommandHandler commands = new TestCommandHandler(registry, retention, deliveries);
        for (int i = 0; i < LOOPS; i++) {
            ExecutorService executor = Executors.newSingleThreadExecutor();
            executors.add(executor);
            places.add(new Slot(i, executor, commands, new SplittableRandom(seed * 100 + i)));
        }
        for (Slot place : places) {
            on(place, place::open);
        }
        feeder.random = new SplittableRandom(seed);
        feeding.start();
        places.forEach(place -> place.loop.execute(place::act));
    }

    /** Waits until all work is done. */
    private void settle() throws Exception {
        // The work of one thread may cause work for another, but not endlessly.
        for (int round = 0; round < 10; round++) {
            CountDownLatch ran = new CountDownLatch(1);
            feeder.execute(ran::countDown);
            assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
            for (Slot place : places) {
                on(place, () -> {});
            }
        }
    }

    private static void on(Slot place, Runnable task) throws Exception {
        Future<?> done = place.executor.submit(task);
        done.get(30, TimeUnit.SECONDS);
    }

    private double gauge(String name) {
        return metrics.get(name).gauge().value();
    }

    private Registry registry() {
        return Objects.requireNonNull(maybeRegistry);
    }

    private DeliveryDispatcher deliveries() {
        return Objects.requireNonNull(maybeDeliveries);
    }

    private Published published(Channel channel) {
        return published.computeIfAbsent(channel, x -> new Published());
    }

    private void expect(boolean right, Callable<String> what) {
        if (!right && wrong.size() < 10) {
            try {
                wrong.add(what.call());
            } catch (Exception e) {
                wrong.add(e.toString());
            }
        }
    }

    private static Channel upload(int number) {
        return TestOutboxFactory.channel("upload:" + number);
    }

    /** Counters of the publications of a channel. */
    private static final class Published {
        /** The newest publication that a new subscriber may miss; it must get all later ones. */
        private final AtomicLong begun = new AtomicLong();

        /** The newest retained publication, which, or a newer one, a new subscriber must get. */
        private final AtomicLong kept = new AtomicLong();
    }

    /** Acts like the relay, on its own thread, with reads of any size. */
    private final class Feeder implements Runnable, Source {
        private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
        private final DelayQueue<Later> timers = new DelayQueue<>();
        private final AtomicLong pauses = new AtomicLong();
        private final CountDownLatch published = new CountDownLatch(1);
        private final List<Channel> channels = new ArrayList<>();
        private volatile boolean paused;
        private SplittableRandom random = new SplittableRandom();
        private long sequence;
        private boolean over;

        @Override
        public void pause() {
            pauses.incrementAndGet();
            paused = true;
        }

        @Override
        public void resume() {
            paused = false;
        }

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        @Override
        public void execute(Runnable task, Duration delay) {
            timers.add(new Later(task, System.nanoTime() + delay.toNanos()));
        }

        @Override
        public void run() {
            try {
                while (!Thread.interrupted()) {
                    boolean idle = paused || over;
                    Runnable task = idle ? tasks.poll(1, TimeUnit.MILLISECONDS) : tasks.poll();
                    for (; task != null; task = tasks.poll()) {
                        task.run();
                    }
                    for (Later timer = timers.poll(); timer != null; timer = timers.poll()) {
                        timer.task.run();
                    }
                    if (!idle) {
                        read();
                    }
                }
            } catch (InterruptedException e) {
                // The test is over.
            } catch (Throwable e) {
                wrong.add("feeder: " + e);
                published.countDown();
            }
        }

        private void read() {
            for (int left = 1 + random.nextInt(64); left > 0; left--) {
                Channel channel = channels.get(random.nextInt(channels.size()));
                publish(channel);
                while (random.nextInt(3) == 0) {
                    publish(channel);
                }
            }
            deliveries().handOver(null);
            boolean enough = sequence >= PUBLICATIONS
                    && received.sum() >= ENOUGH
                    && actions.sum() >= ENOUGH
                    && missed.sum() > 100
                    && pauses.get() > 0
                    && repeated.sum() > 0
                    && (!retain || given.sum() > 0)
                    && (lossy ? lags : overflows).sum() > 0;
            if (enough || sequence >= MAX_PUBLICATIONS || !wrong.isEmpty()) {
                over = true;
                published.countDown();
            }
        }

        private void publish(Channel channel) {
            Published those = published(channel);
            long number = those.begun.incrementAndGet();
            String text = number + " ".repeat(random.nextInt(8) == 0 ? random.nextInt(6000) : 10);
            Payload payload = Payload.of(++sequence, null, text.getBytes(StandardCharsets.US_ASCII), System.nanoTime());
            if (retain && channel.route().audience() == Audience.SUBSCRIBERS) {
                registry().publishing(sequence);
                retention.remember(channel, payload);
                those.kept.set(number);
            }
            ChannelListeners listeners = registry().listeners(channel);
            if (listeners != null) {
                deliveries().deliver(channel, listeners, payload);
            }
        }
    }

    private record Later(Runnable task, long at) implements Delayed {
        @Override
        public long getDelay(TimeUnit unit) {
            return unit.convert(at - System.nanoTime(), TimeUnit.NANOSECONDS);
        }

        @Override
        public int compareTo(Delayed other) {
            return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
        }
    }

    /** One event loop with the clients on it. */
    private final class Slot {
        private final ExecutorService executor;
        private final Loop loop;
        private final TestCommandHandler commands;
        private final SplittableRandom random;
        private final List<Client> clients = new ArrayList<>();
        private final CountDownLatch stopped = new CountDownLatch(1);

        Slot(int index, ExecutorService executor, TestCommandHandler commands, SplittableRandom random) {
            this.executor = executor;
            this.commands = commands;
            this.random = random;
            this.loop = new Loop(
                    index,
                    task -> executor.execute(() -> {
                        try {
                            task.run();
                        } catch (Throwable e) {
                            wrong.add("loop " + index + ": " + e);
                        }
                    }));
        }

        void open() {
            for (int i = 0; i < CLIENTS; i++) {
                // Half of them have their own user, the others share few.
                boolean alone = i % 2 == 0;
                String user = alone ? "alone-" + loop.index() + "-" + i : "shared-" + i % 3;
                feeder.execute(() -> feeder.channels.add(TestOutboxFactory.channel("user:" + user)));
                clients.add(new Client(this, user, alone, i == 0));
            }
            if (loop.index() == 0) {
                // Never leaves, and so keeps the listeners of its channels alive.
                Client anchor = new Client(this, "anchor", true, false);
                for (int i = 0; i < CHANNELS; i++) {
                    Channel channel = upload(i);
                    feeder.execute(() -> feeder.channels.add(channel));
                    if (i < SHARED) {
                        commands.subscribe(anchor.connection(), channel);
                    }
                }
                clients.add(anchor);
            }
        }

        void act() {
            for (int i = 0; i < 10; i++) {
                clients.get(random.nextInt(CLIENTS)).act();
            }
            if (random.nextInt(20) == 0) {
                loop.sweep();
            }
            if (lossy && random.nextInt(200) == 0) {
                long until = System.nanoTime() + Duration.ofMillis(5).toNanos();
                while (System.nanoTime() < until) {
                    Thread.onSpinWait();
                }
            }
            if (acting) {
                loop.execute(this::act);
            } else {
                stopped.countDown();
            }
        }

        void lagged() {
            lags.increment();
            clients.forEach(Client::lagged);
        }
    }

    /** A client that reconnects whenever the connection ends. Confined to its loop. */
    private final class Client {
        private final Slot place;
        private final String user;
        private final boolean alone;

        /** Reads nothing until it is disconnected. */
        private final boolean stuck;

        private @Nullable Connection maybeConnection;
        private CheckingWire wire;

        Client(Slot place, String user, boolean alone, boolean stuck) {
            this.place = place;
            this.user = user;
            this.alone = alone;
            this.stuck = stuck;
            this.wire = connect();
        }

        Connection connection() {
            return Objects.requireNonNull(maybeConnection);
        }

        private CheckingWire connect() {
            CheckingWire opened = new CheckingWire(place.loop, place.random, alone || exclusive);
            Outbox outbox =
                    outboxes.open(opened, place.loop, reason -> connection().disconnect(reason));
            Connection connection = new Connection(user, channel -> true, outbox, place.loop, this::disconnected);
            opened.whenClosed = () -> {
                outbox.ended();
                if (acting) {
                    wire = connect();
                }
            };
            maybeConnection = connection;
            registry().add(connection);
            Channel own = TestOutboxFactory.channel("user:" + user);
            Heard heard = opened.heard(own);
            heard.hears = true;
            heard.claim = published(own).begun.get();
            return opened;
        }

        private void disconnected(Disconnected event) {
            if (event.reason() == Disconnect.OUTBOX_FULL) {
                overflows.increment();
            }
            expect(
                    event.reason() != Disconnect.INTERNAL_ERROR && event.reason() != Disconnect.STALLED,
                    () -> "disconnected: " + event);
            registry().remove(event.connection());
        }

        void act() {
            actions.increment();
            SplittableRandom random = place.random;
            int action = random.nextInt(1000);
            Channel channel;
            if (action < 300) {
                int number = random.nextInt(alone || exclusive ? CHANNELS : SHARED);
                channel = upload(number);
                wire.atLeast = published(channel).kept.get();
                wire.idle = wire.stuck.isEmpty();
                place.commands.subscribe(connection(), channel);
            } else if (action < 500) {
                int first = alone || exclusive ? 0 : STEADY;
                channel = upload(first + random.nextInt((alone || exclusive ? CHANNELS : SHARED) - first));
                place.commands.unsubscribe(connection(), channel);
            } else if (action < 560) {
                connection().send(Frame.text("{\"action\":\"ping\"}"));
            } else if (action < 620) {
                wire.full = true;
            } else if (stuck) {
                wire.full = true;
            } else if (action < 800) {
                wire.takeOne(null);
            } else if (action < 840) {
                read();
            } else if (action < 850) {
                connection().disconnect(Disconnect.CLIENT_CLOSED);
            } else if (action < 855) {
                Connection ending = connection();
                feeder.execute(() -> ending.disconnect(Disconnect.GOING_AWAY));
            } else if (action < 860) {
                wire.reset();
            }
        }

        void read() {
            wire.full = false;
            while (wire.takeOne(null)) {
                // This releases further data, which the client reads too.
            }
        }

        void lagged() {
            published.forEach((channel, those) -> wire.heard(channel).lost = those.begun.get());
        }

        void caughtUp() {
            if (wire.closed) {
                return;
            }
            wire.heard.forEach((channel, heard) -> {
                long all = published(channel).begun.get();
                expect(
                        heard.missed == 0
                                && (!heard.promised || !heard.hears)
                                && (!heard.hears || !wire.certain(channel) || heard.floor() >= all),
                        () -> user + " stopped at " + heard + " of " + all + " on " + channel);
            });
        }
    }

    /** The publications of one channel that one connection received. */
    private static final class Heard {
        /** Whether it must receive everything after {@link #claim}. */
        private boolean hears;

        /** It need not receive publications up to this one. */
        private long claim = Long.MAX_VALUE;

        /** Publications up to this one may be lost according to a gap. */
        private long lost;

        /** The newest received publication. */
        private long last;

        /** The number of missed publications that were reported since. */
        private long missed;

        /** It must get the newest retained publication or a newer one, maybe a second time. */
        private boolean promised;

        private long atLeast;

        /** No older publication may arrive before the promised one. */
        private boolean nothingHeld;

        /** Every publication after this one must arrive or be reported. */
        long floor() {
            return Math.max(last, Math.max(claim, lost));
        }

        @Override
        public String toString() {
            return "last %d, claim %d, lost %d, missed %d, promised %b, at least %d"
                    .formatted(last, claim, lost, missed, promised, atLeast);
        }
    }

    /** A client that checks each message. */
    private final class CheckingWire implements FrameWriter {
        private final Loop loop;
        private final SplittableRandom random;

        /** No other connection subscribes or unsubscribes for it. */
        private final boolean independent;

        private final Map<Channel, Heard> heard = new HashMap<>();
        private final Queue<Stuck> stuck = new ArrayDeque<>();
        private Runnable whenClosed = () -> {};
        private long atLeast;
        private boolean idle;
        private boolean full;
        private boolean closed;
        private long unflushed;
        private long waiting;

        private record Stuck(Done done, long cost) {}

        CheckingWire(Loop loop, SplittableRandom random, boolean independent) {
            this.loop = loop;
            this.random = random;
            this.independent = independent;
        }

        Heard heard(Channel channel) {
            return heard.computeIfAbsent(channel, x -> new Heard());
        }

        @Override
        public void write(Frame frame) {
            expect(!closed, () -> "written after the close: " + frame);
            unflushed += frame.cost();
            waiting += frame.cost();
            expect(waiting <= MAX_OUTBOX, () -> waiting + " bytes are waiting");
            if (frame instanceof PublicationBatch batch) {
                for (int i = 0; i < batch.count(); i++) {
                    publication(batch.channel(), new String(batch.get(i).bytes(), StandardCharsets.US_ASCII));
                }
            } else if (frame instanceof Frame.Missed dropped) {
                byte[] message = Dialect.V1.missed(dropped.channel(), dropped.count());
                message(new String(message, StandardCharsets.UTF_8));
            } else if (frame instanceof Frame.Text text) {
                message(new String(text.utf8(), StandardCharsets.UTF_8));
            }
        }

        private void message(String text) {
            if (text.startsWith("{\"action\":\"ping\"")) {
                return;
            }
            String[] parts = text.split("\"", -1);
            Channel channel = TestOutboxFactory.channel(parts[7]);
            Heard those = heard(channel);
            switch (parts[3]) {
                case "subscribed" -> {
                    boolean retained = text.contains("\"retained\":true");
                    given.add(retained ? 1 : 0);
                    if (those.hears && !retained) {
                        // It gets everything later without a request.
                        repeated.increment();
                        return;
                    }
                    expect(retained || atLeast == 0 || !independent, () -> "kept but not given: " + text);
                    those.hears = true;
                    // If a publication is retained, it must get all publications after it.
                    those.claim = retain && !retained && independent
                            ? 0
                            : published(channel).begun.get();
                    those.promised = retained;
                    those.atLeast = atLeast;
                    those.nothingHeld = idle;
                }
                case "unsubscribed" -> {
                    those.hears = false;
                    those.claim = Long.MAX_VALUE;
                    those.promised = false;
                    those.missed = 0;
                }
                case "missed" -> {
                    int count = Integer.parseInt(text.substring(text.lastIndexOf(':') + 1, text.length() - 1));
                    expect(count > 0 && those.missed == 0, () -> text + " after " + those);
                    those.missed = count;
                    missed.add(count);
                }
                default -> expect(false, () -> "unexpected: " + text);
            }
        }

        private void publication(Channel channel, String text) {
            received.increment();
            Heard those = heard(channel);
            long number = Long.parseLong(text.strip());
            String context = channel + " " + number + " after " + those;
            expect(!independent || those.hears, () -> "not subscribed: " + context);
            // Each publication arrives once and in order; only a promised one may repeat the last.
            expect(number > those.last || (those.promised && number == those.last), () -> "not newer: " + context);
            boolean kept = those.promised && number >= those.atLeast;
            expect(!those.promised || kept || !those.nothingHeld, () -> "older than promised: " + context);
            // No delivered publication is reported as missed, except a promised one.
            long between = number - 1 - those.last + (those.promised ? 1 : 0);
            expect(those.missed <= between, () -> "too many reported as missed: " + context);
            // Every publication that it must get arrives or is reported.
            long due = number - 1 - those.floor();
            expect(due <= those.missed || !certain(channel), () -> "lost: " + context);
            if (those.claim == Long.MAX_VALUE) {
                // Another connection of the user has subscribed by now. This publication may be older, and on its way
                // for a connection that has left the loop since, so publications in between need not arrive.
                those.hears = true;
                those.claim = published(channel).begun.get();
            } else if (kept && those.nothingHeld) {
                // This is the promised publication.
                those.claim = number;
            }
            those.last = number;
            those.missed = 0;
            those.promised &= !kept;
        }

        /** No other connection unsubscribes for it from that channel. */
        boolean certain(Channel channel) {
            return independent
                    || channel.route().audience() == Audience.USER
                    || Integer.parseInt(channel.name().substring("upload:".length())) < STEADY;
        }

        @Override
        public void flush(Done done) {
            stuck.add(new Stuck(done, unflushed));
            unflushed = 0;
            if (!full) {
                // Earlier frames are taken earlier.
                while (takeOne(null)) {
                    full |= random.nextInt(500) == 0;
                }
            }
        }

        boolean takeOne(@Nullable Throwable failure) {
            Stuck oldest = stuck.poll();
            if (oldest == null) {
                return false;
            }
            waiting -= oldest.cost;
            oldest.done.done(failure);
            return true;
        }

        void reset() {
            while (takeOne(new IOException("reset"))) {
                // Each write has its own promise.
            }
        }

        @Override
        public void close(int code, String reason) {
            expect(!closed, () -> "closed twice");
            expect(unflushed == 0, () -> "closed with " + unflushed + " bytes not flushed");
            closed = true;
            closedIn(3);
        }

        /** Simulates a closing handshake that takes some turns. */
        private void closedIn(int turns) {
            loop.execute(turns == 0 ? whenClosed : () -> closedIn(turns - 1));
        }

        @Override
        public void cut() {
            // It is already closing; on a busy machine even that may take too long.
        }
    }
}
