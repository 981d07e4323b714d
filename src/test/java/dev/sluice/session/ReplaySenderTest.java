package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.IntNode;
import dev.sluice.clock.EntryId;
import dev.sluice.clock.Since;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.HandDrivenSource;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.route.Channel;
import dev.sluice.session.PendingSubscriptions.Request;
import dev.sluice.stream.SimulatedStreams;
import dev.sluice.stream.StreamReader;
import dev.sluice.stream.StreamReplay;
import dev.sluice.stream.TestReplays;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A client that resumes many streams at once, and reads slowly. The test name of a failure contains the seed. */
class ReplaySenderTest {

    private static final int ENTRIES = 60;
    private static final List<Channel> CHANNELS = IntStream.range(0, 20)
            .mapToObj(number -> TestOutboxFactory.channel("log:" + number))
            .toList();

    private final SimulatedStreams redis = new SimulatedStreams();
    private final HandDrivenSource source = new HandDrivenSource();
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final TestTimer timer = new TestTimer();
    private final Loop loop = new Loop(0, tasks::add);
    private final Registry registry = TestRegistries.with(TestOutboxFactory.OWN_STREAMS);
    private final DeliveryDispatcher deliveries = TestDispatchers.with(source, registry, TestOutboxFactory.OWN_STREAMS);
    private final StreamReader reader = redis.reader(source, registry, deliveries, gap -> {});
    private final StreamReplay replays = TestReplays.of(reader);
    private final ResumeMeters meters = new ResumeMeters(new SimpleMeterRegistry());
    private long nanoTime;
    private final ReplaySender sender =
            new ReplaySender(deliveries, reader, replays, meters, timer, () -> nanoTime, 1_000);
    private final StreamSubscriptions subscriptions =
            new StreamSubscriptions(registry, reader, sender, meters, new SimpleMeterRegistry());
    private final ChannelStreams channelStreams = new ChannelStreams(registry, reader, sender, meters);
    private final StreamOpenings openings =
            new StreamOpenings(registry, reader, replays, sender, subscriptions, meters);
    private final Map<Channel, List<EntryId>> added = new LinkedHashMap<>();
    private final Connection listener;

    ReplaySenderTest() {
        reader.start();
        listener = connect(new Socket(), Dialect.V2);
        CHANNELS.forEach(channel -> registry.subscribe(listener, channel));
        CHANNELS.forEach(channel -> {
            List<EntryId> entries = new ArrayList<>();
            for (int i = 0; i < ENTRIES; i++) {
                entries.add(redis.add(channel, Integer.MAX_VALUE));
            }
            added.put(channel, entries);
        });
        // From then on, only replays read ranges.
        settle();
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "sse", "centrifuge"})
    void replaysOfAClientReadOneAtATimeAndAllComplete(String protocol) {
        for (long seed = 1; seed <= 5; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            Socket socket = new Socket();
            resume(socket, protocol);
            int before = redis.rangesRead;
            for (int steps = 0; socket.count() < CHANNELS.size() * ENTRIES; steps++) {
                assertThat(steps).as("steps of seed %d", seed).isLessThan(100_000);
                step(random.nextInt(7), socket);
                assertThat(redis.ranges).as("reads of seed %d", seed).isLessThanOrEqualTo(1);
                assertThat(redis.rangesRead - before)
                        .as("reads of seed %d", seed)
                        .isLessThan(1_000);
            }
            settle();
            CHANNELS.forEach(channel -> added(channel).add(redis.add(channel, Integer.MAX_VALUE)));
            settle();
            assertThat(socket.received).as("seed %d", seed).isEqualTo(added);
            added.values().forEach(entries -> entries.remove(ENTRIES));
            CHANNELS.forEach(channel ->
                    Objects.requireNonNull(redis.streams.get(channel)).pollLast());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "sse", "centrifuge"})
    void clientThatDoesNotReadCausesNoReadsAndItsChannelsGetEqualShares(String protocol) {
        Socket socket = new Socket();
        socket.stalled = true;
        resume(socket, protocol);
        settle();
        int before = redis.rangesRead;
        int received = socket.count();
        assertThat(received).isPositive();
        for (int i = 0; i < 100; i++) {
            timer.isUp();
            settle();
        }
        assertThat(redis.rangesRead).isEqualTo(before);
        assertThat(socket.count()).isEqualTo(received);
        assertThat(timer.count()).isOne();
        for (int rounds = 0; socket.count() < CHANNELS.size() * ENTRIES; rounds++) {
            assertThat(rounds).isLessThan(1_000);
            socket.read();
            timer.isUp();
            settle();
            assertThat(socket.most() - socket.least()).isLessThanOrEqualTo(10);
        }
    }

    @Test
    void requestsThatWaitForTheirTurnAreRefusedTogetherIfRedisDoesNotAnswer() {
        Socket socket = new Socket();
        resume(socket, "v2");
        nanoTime += TimeUnit.SECONDS.toNanos(2);
        while (redis.ranges == 0) {
            source.runTasks();
            turn();
        }
        redis.fail();
        source.runTasks();
        turn();
        assertThat(socket.errors).isEqualTo(CHANNELS.size());
        settle();
        assertThat(socket.count()).isZero();
    }

    @Test
    void failedReadOfOneStreamRefusesNoOtherRequest() {
        Socket socket = new Socket();
        resume(socket, "v2");
        while (redis.ranges == 0) {
            source.runTasks();
            turn();
        }
        redis.fail();
        settle();
        assertThat(socket.errors).isOne();
        assertThat(socket.count()).isEqualTo((CHANNELS.size() - 1) * ENTRIES);
    }

    /** It would be read for ever. */
    @ParameterizedTest
    @ValueSource(strings = {"v2", "sse", "centrifuge"})
    void clientIsToldThatAnEntryLongerThanItsOutboxIsLost(String protocol) {
        Channel channel = CHANNELS.get(0);
        redis.addLong(channel);
        added(channel).add(redis.add(channel, Integer.MAX_VALUE));
        settle();
        Socket socket = new Socket();
        resume(socket, protocol);
        settle();
        for (int i = 0; i < 100; i++) {
            timer.isUp();
            settle();
        }
        int before = redis.rangesRead;
        timer.isUp();
        settle();
        assertThat(redis.rangesRead).isEqualTo(before);
        assertThat(timer.count()).isZero();
        assertThat(socket.losses).isOne();
        if (protocol.equals("centrifuge")) {
            // It subscribes again.
            added(channel).remove(ENTRIES);
        }
        assertThat(socket.received).isEqualTo(added);
    }

    @Test
    void repeatedRequestsForAChannelDoNotFillTheQueue() {
        Socket socket = new Socket();
        socket.stalled = true;
        Connection connection = connect(socket, Dialect.V2);
        TestClient client = new TestClient(connection, Dialect.V2);
        JointRequest all = new JointRequest(null, EntryId.BEGINNING, false);
        for (int i = 0; i < 10; i++) {
            CHANNELS.forEach(channel -> subscriptions.takes(client, channel, new Request(false, null, all)));
            settle();
            assertThat(client.replays()).hasSizeLessThanOrEqualTo(CHANNELS.size() + 1);
        }
    }

    @Test
    void channelWithoutListenersRefusesNoOtherRequest() {
        Socket socket = new Socket();
        Connection connection = resume(socket, "v2");
        nanoTime += TimeUnit.SECONDS.toNanos(2);
        while (redis.ranges == 0) {
            source.runTasks();
            turn();
        }
        Channel first = CHANNELS.get(0);
        registry.unsubscribe(connection, first);
        registry.unsubscribe(listener, first);
        turn();
        source.execute(() -> reader.heard(first, "xadd"));
        settle();
        assertThat(socket.errors).isZero();
        assertThat(socket.count()).isEqualTo((CHANNELS.size() - 1) * ENTRIES);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void requestIsAnsweredIfTheClientUnsubscribesMeanwhile(boolean resumes) {
        Channel channel = CHANNELS.get(0);
        JointRequest joint = new JointRequest(null, resumes ? EntryId.BEGINNING : null, false);
        Socket socket = new Socket();
        TestClient client = client(socket, Dialect.V2);
        subscriptions.takes(client, channel, new Request(false, IntNode.valueOf(5), joint));
        registry.unsubscribe(client.connection(), channel);
        settle();
        assertThat(socket.texts).hasSize(1);
        assertThat(socket.texts.get(0)).contains("\"unsubscribed\"", "\"id\":5");
        subscriptions.takes(client, channel, new Request(false, IntNode.valueOf(6), joint));
        registry.unsubscribe(client.connection(), channel);
        subscriptions.takes(client, channel, new Request(false, IntNode.valueOf(7), joint));
        settle();
        assertThat(socket.texts).hasSize(3);
        assertThat(socket.texts.get(1)).contains("\"unavailable\"", "\"id\":6");
        assertThat(socket.texts.get(2)).contains("\"subscribed\"", "\"id\":7");
    }

    @Test
    void requestWithoutAnIdIsNotAnsweredIfTheClientUnsubscribesMeanwhile() {
        Channel channel = CHANNELS.get(0);
        Socket socket = new Socket();
        TestClient client = client(socket, Dialect.V2);
        JointRequest joint = new JointRequest(null, EntryId.BEGINNING, false);
        subscriptions.takes(client, channel, new Request(false, null, joint));
        registry.unsubscribe(client.connection(), channel);
        settle();
        assertThat(socket.texts).isEmpty();
    }

    @Test
    void answerCancelsTheTimerOfAClientWithoutPositions() {
        Connection connection = connect(new Socket(), Dialect.V1);
        int[] answers = {0};
        openings.await(new TestClient(connection), CHANNELS, () -> answers[0]++);
        assertThat(timer.count()).isOne();
        settle();
        assertThat(answers[0]).isOne();
        assertThat(timer.count()).isZero();
    }

    private Connection resume(Socket socket, String protocol) {
        Dialect dialect = Dialect.ALL.stream()
                .filter(one -> one.tag().equals(protocol))
                .findFirst()
                .orElseThrow();
        TestClient client = client(socket, dialect);
        Connection connection = client.connection();
        switch (protocol) {
            case "v2" -> {
                JointRequest all = new JointRequest(null, EntryId.BEGINNING, false);
                CHANNELS.forEach(channel -> subscriptions.takes(client, channel, new Request(false, null, all)));
            }
            case "sse" -> {
                CHANNELS.forEach(channel -> registry.subscribe(connection, channel));
                openings.begin(client, CHANNELS, Since.of(EntryId.BEGINNING), StreamOpenings.Opened::proceed);
            }
            default ->
                CHANNELS.forEach(channel -> {
                    registry.subscribe(connection, channel);
                    channelStreams.begin(client, channel, true, EntryId.BEGINNING, (start, follow) -> true);
                });
        }
        return connection;
    }

    private TestClient client(Socket socket, Dialect dialect) {
        return new TestClient(connect(socket, dialect), dialect);
    }

    private Connection connect(FrameWriter socket, Dialect dialect) {
        Connection connection = new Connection(
                "7",
                any -> true,
                TestOutboxFactory.with(8_000, Duration.ofDays(1), new SimpleMeterRegistry())
                        .open(socket, loop, reason -> {}),
                loop,
                event -> registry.remove(event.connection()),
                dialect.tag(),
                true,
                false);
        registry.add(connection);
        return connection;
    }

    private List<EntryId> added(Channel channel) {
        return Objects.requireNonNull(added.get(channel));
    }

    private void step(int choice, Socket socket) {
        switch (choice) {
            case 0 -> redis.execute();
            case 1 -> redis.reply();
            case 2 -> source.runTasks();
            case 3 -> timer.isUp();
            case 4 -> {
                socket.stalled = !socket.stalled;
                socket.read();
            }
            default -> turn();
        }
    }

    private void turn() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            loop.runThenFlush(task);
        }
    }

    /** Everything happens but timers. */
    private void settle() {
        for (boolean busy = true; busy; ) {
            List<SimulatedStreams.Notification> heard = List.copyOf(redis.notifications);
            redis.notifications.clear();
            source.execute(() -> SimulatedStreams.hear(reader, heard));
            source.runTasks();
            busy = redis.execute();
            busy |= redis.reply();
            busy |= !tasks.isEmpty() || !heard.isEmpty();
            turn();
        }
    }

    /** A client's socket. */
    private static final class Socket implements FrameWriter {

        private final Map<Channel, List<EntryId>> received = new LinkedHashMap<>();
        private final Queue<Done> unread = new ArrayDeque<>();
        private final List<String> texts = new ArrayList<>();
        private boolean stalled;
        private int errors;
        private int losses;

        int count() {
            return received.values().stream().mapToInt(List::size).sum();
        }

        int most() {
            return received.values().stream().mapToInt(List::size).max().orElse(0);
        }

        int least() {
            return CHANNELS.stream()
                    .mapToInt(
                            channel -> received.getOrDefault(channel, List.of()).size())
                    .min()
                    .orElse(0);
        }

        @Override
        public void write(Frame frame) {
            if (frame instanceof ReplayBatch batch) {
                for (int i = 0; i < batch.count(); i++) {
                    take(batch.channel(i), batch.get(i));
                }
            } else if (frame instanceof PublicationBatch batch) {
                for (int i = 0; i < batch.count(); i++) {
                    take(batch.channel(), batch.get(i));
                }
            } else if (frame instanceof Frame.Text text) {
                String message = new String(text.utf8(), StandardCharsets.UTF_8);
                texts.add(message);
                errors += message.contains("unavailable") ? 1 : 0;
                losses += message.contains("\"gap\"") || message.contains("unsubscribe\"") ? 1 : 0;
            }
        }

        private void take(Channel channel, Payload payload) {
            received.computeIfAbsent(channel, x -> new ArrayList<>()).add(Objects.requireNonNull(payload.id()));
        }

        /** Takes what has been written. */
        void read() {
            for (Done done = unread.poll(); done != null; done = unread.poll()) {
                done.done(null);
            }
        }

        @Override
        public void flush(Done done) {
            if (stalled) {
                unread.add(done);
            } else {
                done.done(null);
            }
        }

        @Override
        public void close(int code, String reason) {}

        @Override
        public void cut() {}
    }
}
