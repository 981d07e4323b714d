package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sluice.clock.EntryId;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.HandDrivenSource;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.Start;
import dev.sluice.protocol.Welcome;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.route.Channel;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import dev.sluice.stream.SimulatedStreams;
import dev.sluice.stream.StreamGap;
import dev.sluice.stream.StreamReader;
import dev.sluice.stream.StreamReplay;
import dev.sluice.stream.TestReplays;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A user with channels of {@code PUBLISH} and of streams connects with one of Centrifugo's SDKs. */
class ChannelConnectTest {

    private static final Routes ROUTES = new Routes(
            Stream.concat(Stream.of(TestOutboxFactory.USER), ownStreams()).toList());
    private static final Channel USER = channel("user:7");
    private static final Channel INBOX = channel("inbox:7");
    private static final Channel MAIL = channel("mail:7");
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration LIFE = Duration.ofDays(1);

    private final SimulatedStreams redis = new SimulatedStreams();
    private final HandDrivenSource source = new HandDrivenSource();
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final TestTimer timer = new TestTimer();
    private final Loop loop = new Loop(0, tasks::add);
    private final Registry registry = TestRegistries.with(ROUTES);
    private final DeliveryDispatcher deliveries = TestDispatchers.with(source, registry, ROUTES);
    private final StreamReader reader = redis.reader(source, registry, deliveries, gap -> {});
    private final ResumeMeters meters = new ResumeMeters(new SimpleMeterRegistry());
    /** How long clients have been away, besides the time that the test takes. */
    private Duration away = Duration.ZERO;

    private final StreamReplay replays =
            TestReplays.of(reader, LIFE, () -> System.currentTimeMillis() + away.toMillis());
    private final ChannelStreams streams = new ChannelStreams(
            registry,
            reader,
            new ReplaySender(deliveries, reader, replays, meters, timer, System::nanoTime, 200),
            meters);
    private final ChannelCommands commands = new ChannelCommands(
            ROUTES,
            registry,
            TestHistory.standard(),
            new ChannelResumption(
                    TestHistory.standard(),
                    registry,
                    deliveries,
                    meters,
                    new PositionWait(Duration.ofSeconds(1), new TestTimer(), System::nanoTime)),
            streams,
            TestCommandHandler.noPresence());
    private final List<Disconnected> ended = new ArrayList<>();
    private RecordingFrameWriter socket = new RecordingFrameWriter();
    private @Nullable Connection connection;
    private int welcomes;

    ChannelConnectTest() {
        reader.start();
        redis.add(INBOX, 10);
        redis.add(MAIL, 10);
    }

    private static Stream<Route> ownStreams() {
        return TestOutboxFactory.OWN_STREAMS.ofUser("7").stream().map(Channel::route);
    }

    private static Channel channel(String name) {
        return Objects.requireNonNull(ROUTES.resolve(name));
    }

    @Test
    void publicationsWaitForTheAnswer() {
        connect("");
        publish();
        turn();
        assertThat(socket.sent).isEmpty();
        settle();
        assertThat(subscriptions().fieldNames()).toIterable().containsExactlyInAnyOrder("user:7", "inbox:7", "mail:7");
        publish();
        turn();
        assertThat(socket.sent).hasSize(2);
    }

    @Test
    void gapOfAStreamWaitsForTheAnswer() {
        connect("");
        gap();
        assertThat(socket.sent).isEmpty();
        settle();
        assertThat(socket.sent).hasSize(1);
        gap();
        assertThat(socket.sent.get(1)).contains("\"gap\"");
    }

    private void gap() {
        ChannelListeners listeners = Objects.requireNonNull(registry.listeners(INBOX));
        GapNotifier.tell(new StreamGap(INBOX, listeners, Instant.EPOCH, Instant.EPOCH, EntryId.ZERO), streams);
        turn();
    }

    @Test
    void answerWaitsForStreamsNoLongerThanTheTimer() {
        connect("");
        turn();
        fireTimers();
        assertThat(subscriptions().get("inbox:7").get("offset").asLong()).isZero();
        assertThat(welcomes).isOne();
        settle();
        assertThat(subscriptions().get("inbox:7").has("was_recovering")).isFalse();
        EntryId next = redis.add(INBOX, 10);
        settle();
        assertThat(welcomes).isOne();
        assertThat(socket.sent).hasSize(4);
        assertRestarted(1, INBOX);
        assertRestarted(2, MAIL);
        assertThat(socket.sent.get(3)).contains(next.toString());
    }

    @Test
    void answerCancelsTheTimer() {
        connect("");
        assertThat(timer.count()).isOne();
        settle();
        assertThat(socket.sent).hasSize(1);
        assertThat(timer.count()).isZero();
    }

    @Test
    void lossIsReportedOnceAStreamThatCouldNotBeReadIsRead() {
        connect("");
        settle();
        String inbox = position(subscriptions().get("inbox:7"), "inbox:7");
        leave();
        connect(inbox);
        failResumption();
        assertThat(subscriptions().get("inbox:7").get("recovered").asBoolean()).isFalse();
        settle();
        EntryId next = redis.add(INBOX, 10);
        settle();
        assertThat(socket.sent).hasSize(3);
        assertRestarted(1, INBOX);
        assertThat(socket.sent.get(2)).contains(next.toString());
    }

    @Test
    void nothingOfAStreamThatCouldNotBeReadPrecedesTheAnswer() {
        connect("");
        settle();
        String inbox = position(subscriptions().get("inbox:7"), "inbox:7");
        leave();
        // The cursor ends, because the channel has no listeners.
        source.execute(() -> reader.heard(MAIL, "xadd"));
        source.runTasks();
        connect(inbox);
        source.runTasks();
        redis.fail();
        redis.fail();
        source.runTasks();
        turn();
        redis.add(INBOX, 10);
        settle();
        assertThat(socket.sent).isEmpty();
        source.timeIsUp();
        settle();
        assertThat(subscriptions().has("inbox:7")).isTrue();
    }

    @Test
    void positionIsThatOfTheStreamIfItHasLostTheClientsEntry() {
        connect("");
        settle();
        String inbox = position(subscriptions().get("inbox:7"), "inbox:7");
        leave();
        redis.delete(INBOX);
        settle();
        connect(inbox);
        settle();
        JsonNode refused = subscriptions().get("inbox:7");
        assertThat(refused.get("recovered").asBoolean()).isFalse();
        assertThat(refused.get("offset").asLong()).isZero();
        leave();
        connect(position(refused, "inbox:7"));
        settle();
        assertThat(subscriptions().get("inbox:7").get("recovered").asBoolean()).isTrue();
    }

    @Test
    void emptyStreamStayedEmptyDuringAnAbsenceShorterThanItsLife() {
        redis.delete(INBOX);
        connect("");
        settle();
        for (int i = 0; i < 3; i++) {
            String inbox = position(subscriptions().get("inbox:7"), "inbox:7");
            leave();
            connect(inbox);
            settle();
            assertThat(subscriptions().get("inbox:7").get("recovered").asBoolean())
                    .isTrue();
        }
    }

    @Test
    void emptyStreamMayHaveHadEntriesDuringAnAbsenceAsLongAsItsLife() {
        redis.delete(INBOX);
        connect("");
        settle();
        String inbox = position(subscriptions().get("inbox:7"), "inbox:7");
        leave();
        redis.add(INBOX, 10);
        redis.delete(INBOX);
        settle();
        away = LIFE;
        connect(inbox);
        settle();
        assertThat(subscriptions().get("inbox:7").get("recovered").asBoolean()).isFalse();
    }

    @Test
    void positionWithoutTimeDoesNotProveThatTheStreamStayedEmpty() {
        redis.delete(INBOX);
        connect("\"inbox:7\":{\"recover\":true,\"epoch\":\"entries\",\"offset\":0}");
        settle();
        assertThat(subscriptions().get("inbox:7").get("recovered").asBoolean()).isFalse();
    }

    @Test
    void failureEndsTheConnection() {
        connect("", starts -> {
            throw new Error("thrown by the test");
        });
        settle();
        assertThat(ended).hasSize(1);
    }

    private void connect(String positions) {
        connect(positions, starts -> {
            welcomes++;
            return Dialect.CENTRIFUGE.authSuccess(
                    new Welcome("id", "7", Long.MAX_VALUE, 25, List.of(), Start.UNKNOWN, starts),
                    JSON.getNodeFactory().numberNode(1));
        });
    }

    /** @param positions the positions of channels, as the SDK sends them */
    private void connect(String positions, Function<Map<Channel, Start>, Frame> answer) {
        socket = new RecordingFrameWriter();
        Connection made = new Connection(
                "7",
                any -> true,
                TestOutboxFactory.with(8_000, Duration.ofDays(1), new SimpleMeterRegistry())
                        .open(socket, loop, reason -> {}),
                loop,
                event -> {
                    ended.add(event);
                    registry.remove(event.connection());
                },
                "centrifuge",
                true,
                true);
        connection = made;
        registry.add(made);
        ClientMessage message = Dialect.CENTRIFUGE
                .parse("{\"id\":1,\"connect\":{\"token\":\"t\",\"subs\":{" + positions + "}}}")
                .get(0);
        commands.connect(new TestClient(made, Dialect.CENTRIFUGE), (ClientMessage.Connect) message, answer, () -> {});
    }

    private void leave() {
        registry.remove(Objects.requireNonNull(connection));
        turn();
    }

    private void publish() {
        deliveries.deliver(
                USER,
                Objects.requireNonNull(registry.listeners(USER)),
                Payload.of(deliveries.nextSequence(), null, "{}".getBytes(StandardCharsets.US_ASCII), 0));
        deliveries.handOver();
    }

    /** Fails the read of what the client missed of its first stream. */
    private void failResumption() {
        source.runTasks();
        while (socket.sent.isEmpty()) {
            redis.fail();
            source.runTasks();
            turn();
            redis.execute();
            redis.reply();
            source.runTasks();
            turn();
        }
    }

    private void turn() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            loop.runThenFlush(task);
        }
    }

    private void fireTimers() {
        timer.isUp();
        turn();
    }

    private void hear() {
        List<SimulatedStreams.Notification> heard = List.copyOf(redis.notifications);
        redis.notifications.clear();
        source.execute(() -> SimulatedStreams.hear(reader, heard));
    }

    /** Everything happens but timers. */
    private void settle() {
        for (int quiet = 0; quiet < 5; quiet++) {
            hear();
            source.runTasks();
            boolean busy = redis.execute();
            busy |= redis.reply();
            source.runTasks();
            busy |= !tasks.isEmpty();
            turn();
            if (busy) {
                quiet = 0;
            }
        }
    }

    private JsonNode subscriptions() {
        return read(socket.sent.get(0)).get("connect").get("subs");
    }

    private static String position(JsonNode start, String channel) {
        return "\"" + channel + "\":{\"recover\":true,\"epoch\":" + start.get("epoch") + ",\"offset\":"
                + start.get("offset") + "}";
    }

    private void assertRestarted(int index, Channel channel) {
        JsonNode push = read(socket.sent.get(index).lines().toList().get(1)).get("push");
        assertThat(push.get("channel").asText()).isEqualTo(channel.name());
        assertThat(push.get("subscribe").get("recovered").asBoolean()).isFalse();
        assertThat(push.get("subscribe").get("offset").asLong()).isPositive();
    }

    private static JsonNode read(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new AssertionError(json, e);
        }
    }
}
