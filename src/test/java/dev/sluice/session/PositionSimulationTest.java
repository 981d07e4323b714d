package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.config.Scope;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.harness.Histories;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Simulates clients whose sockets fill, drain, stall and close at random moments, and publications in random batches.
 * At each moment, everything before the last position that a client got was sent to it or reported as missed. Each test
 * name contains the seed.
 */
@Execution(ExecutionMode.CONCURRENT)
class PositionSimulationTest {

    private static final int RUNS = Histories.of(300);
    private static final int STEPS = 400;
    private static final List<Channel> CHANNELS = List.of(
            TestOutboxFactory.channel("upload:a"),
            TestOutboxFactory.channel("upload:b"),
            TestOutboxFactory.channel("owned:c"));
    private static final JsonMapper JSON = new JsonMapper();
    private static final List<Disconnect> REASONS = List.of(
            Disconnect.GOING_AWAY,
            Disconnect.MAX_AGE,
            Disconnect.TOKEN_EXPIRED,
            Disconnect.OPERATOR,
            Disconnect.STALLED);

    private SplittableRandom random = new SplittableRandom();
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Loop loop = new Loop(0, tasks::add);
    private Registry registry = TestRegistries.with(Scope.CONNECTION);
    private DeliveryDispatcher deliveries = TestDispatchers.idle(registry);
    private final List<Client> clients = new ArrayList<>();
    private final Map<Channel, List<Long>> published = new HashMap<>();
    private int messages;
    private int marks;
    private int ats;
    private int poses;
    private int missed;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void everythingBeforeTheLastPositionWasSent(long seed) {
        for (int run = 0; run < RUNS; run++) {
            simulate(seed * RUNS + run);
        }
        assertThat(List.of(marks, ats, poses, missed))
                .as("marks, at, pos and missed")
                .allMatch(count -> count > 3 * RUNS);
    }

    private void simulate(long seed) {
        random = new SplittableRandom(seed);
        registry = TestRegistries.with(Scope.CONNECTION);
        deliveries = TestDispatchers.idle(registry);
        tasks.clear();
        clients.clear();
        published.clear();
        messages = 0;
        deliveries.handOver(at());
        for (int i = 0; i < 3; i++) {
            clients.add(new Client());
        }
        for (int step = 0; step < STEPS; step++) {
            step();
            for (Client client : clients) {
                assertThat(client.unpromised())
                        .as("seed %d, step %d", seed, step)
                        .isEmpty();
            }
        }
        clients.forEach(client -> client.full = false);
        for (int i = 0; i < 3; i++) {
            clients.forEach(Client::drain);
            runTasks();
        }
        for (Client client : clients) {
            assertThat(client.unpromised()).as("seed %d, at the end", seed).isEmpty();
            if (client.holds == 0 && !client.gone) {
                client.session.client().beat();
                runTasks();
                assertThat(client.at).as("seed %d, with a heartbeat", seed).isEqualTo(at().offset());
            }
        }
    }

    private void step() {
        Client client = clients.get(random.nextInt(clients.size()));
        switch (random.nextInt(12)) {
            case 0, 1, 2 -> publish(1 + random.nextInt(4));
            case 3, 4 -> runTask();
            case 5 -> client.drain();
            case 6 -> client.full = random.nextInt(3) > 0;
            case 7 -> {
                client.session.client().beat();
                runTask();
            }
            case 8 -> {
                messages++;
                deliveries.handOver(at());
            }
            case 9 -> client.hold();
            case 10 -> client.release();
            default -> {
                if (random.nextInt(10) == 0) {
                    client.leave(REASONS.get(random.nextInt(REASONS.size())));
                }
            }
        }
    }

    private void publish(int count) {
        for (int i = 0; i < count; i++) {
            Channel channel = CHANNELS.get(random.nextInt(CHANNELS.size()));
            messages++;
            published.computeIfAbsent(channel, x -> new ArrayList<>()).add(at().offset());
            byte[] bytes = "x".repeat(200 + random.nextInt(10_000)).getBytes(StandardCharsets.US_ASCII);
            ChannelListeners listeners = registry.listeners(channel);
            registry.publishing(messages);
            if (listeners != null) {
                deliveries.deliver(channel, listeners, Payload.of(messages, at(), bytes, System.nanoTime()));
            }
        }
        deliveries.handOver(at());
    }

    private Position at() {
        return Position.of(new Era(1, 1), 1, messages, 1);
    }

    private void runTask() {
        Runnable task = tasks.poll();
        if (task != null) {
            task.run();
        }
    }

    private void runTasks() {
        while (!tasks.isEmpty()) {
            runTask();
        }
    }

    /** The state of a client, and its socket. */
    private final class Client implements FrameWriter {
        private final Map<String, TreeSet<Long>> received = new HashMap<>();
        private final Map<String, Integer> toldMissed = new HashMap<>();
        private final Queue<Done> stuck = new ArrayDeque<>();
        private final Session session;
        private long at = -1;
        private int holds;
        private boolean full;
        private boolean gone;

        Client() {
            TestAuthentication authentication = new TestAuthentication();
            authentication.onDisconnected = event -> registry.remove(event.connection());
            authentication.admits = registry::add;
            session = new Session(
                    authentication.with(NoRequests.INSTANCE),
                    NoRequests.INSTANCE,
                    this,
                    TestOutboxFactory.with(100_000, Duration.ofSeconds(30), new SimpleMeterRegistry()),
                    loop,
                    Dialect.V2,
                    connection -> deliveries.position(connection.loop()));
            session.opened(TestAuthorizers.identity("7"), Opening.own(null));
            CHANNELS.forEach(channel -> registry.subscribe(session.client().connection(), channel));
            runTasks();
        }

        /**
         * Returns the publications before the last position that were neither sent nor reported as missed, by channel.
         */
        List<String> unpromised() {
            List<String> wrong = new ArrayList<>();
            published.forEach((channel, offsets) -> {
                long before = offsets.stream().filter(offset -> offset <= at).count();
                TreeSet<Long> sent = received.getOrDefault(channel.name(), new TreeSet<>());
                long told = (long) sent.headSet(at, true).size() + toldMissed.getOrDefault(channel.name(), 0);
                if (told < before) {
                    wrong.add(channel + ": " + told + " of " + before);
                }
            });
            return wrong;
        }

        void hold() {
            if (!gone) {
                holds++;
                session.client().connection().hold();
            }
        }

        void release() {
            if (holds > 0 && !gone) {
                holds--;
                session.client().connection().release();
            }
        }

        void leave(Disconnect reason) {
            gone = true;
            session.disconnect(reason);
        }

        void drain() {
            for (int i = stuck.size(); i > 0; i--) {
                stuck.remove().done(null);
            }
        }

        @Override
        public PublicationFormat headers() {
            return Dialect.V2;
        }

        @Override
        public void write(Frame frame) {
            take(frame, true);
        }

        @Override
        public void writeLate(Frame frame) {
            take(frame, false);
        }

        private void take(Frame frame, boolean complete) {
            if (frame instanceof PublicationBatch batch) {
                for (int i = 0; i < batch.count(); i++) {
                    String message = new String(
                            Dialect.V2.encode(batch.channel(), batch.get(i), complete), StandardCharsets.UTF_8);
                    header(message.substring(0, message.indexOf('\n')), batch.get(i));
                }
            } else if (frame instanceof Frame.Missed missed) {
                byte[] message = Dialect.V2.missed(missed.channel(), missed.count());
                header(new String(message, StandardCharsets.UTF_8), null);
            } else if (frame instanceof Frame.Text text) {
                header(new String(text.utf8(), StandardCharsets.UTF_8), null);
            }
        }

        private void header(String text, @Nullable Payload of) {
            JsonNode header = read(text);
            String channel = header.path("channel").asText();
            if (of != null && of.position() != null) {
                received.computeIfAbsent(channel, x -> new TreeSet<>())
                        .add(of.position().offset());
                ats += header.has("at") ? 1 : 0;
                poses += header.has("pos") ? 1 : 0;
            }
            String action = header.path("action").asText();
            if (action.equals("missed")) {
                missed++;
                toldMissed.merge(channel, header.path("count").asInt(), Integer::sum);
            } else if (action.equals("mark")) {
                marks++;
            }
            if (header.has("at")) {
                assertThat(holds).as("holds").isZero();
                at = Position.parse(header.path("at").asText()).offset();
            }
        }

        @Override
        public void flush(Done done) {
            if (full) {
                stuck.add(done);
            } else {
                drain();
                done.done(null);
            }
        }

        @Override
        public void close(int code, String reason) {
            gone = true;
        }

        @Override
        public void cut() {
            gone = true;
        }
    }

    private static JsonNode read(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
