package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sluice.clock.EntryId;
import dev.sluice.config.Scope;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.HandDrivenSource;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.AcceptingFrameWriter;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.Subscribed;
import dev.sluice.registry.TestRegistries;
import dev.sluice.route.Channel;
import dev.sluice.session.PendingSubscriptions.Request;
import dev.sluice.stream.SimulatedStreams;
import dev.sluice.stream.StreamGap;
import dev.sluice.stream.StreamReader;
import dev.sluice.stream.TestReplays;
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
import java.util.Objects;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Simulates streams, a pod that reads them, and clients that come, go and resume at random moments. Each client gets
 * each entry once and in order, or is told that entries were lost. Each test name contains the seed.
 */
@Execution(ExecutionMode.CONCURRENT)
class StreamSimulationTest {

    private static final int RUNS = 200;
    private static final int STEPS = 600;
    private static final List<Channel> CHANNELS =
            List.of(TestOutboxFactory.channel("log:a"), TestOutboxFactory.channel("log:b"));
    private static final JsonMapper JSON = new JsonMapper();

    /** What happens besides additions. */
    private enum Weather {
        CALM,
        /** Entries are trimmed, but only such that have been read. */
        TRIMMED,
        INTERRUPTED,
        HOSTILE
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void nothingIsLostOrRepeatedInCalmTimes(long seed) {
        run(seed, Weather.CALM);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void nothingIsReportedIfOnlyReadEntriesAreTrimmed(long seed) {
        run(seed, Weather.TRIMMED);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void nothingIsLostOrReportedIfNotificationsAndCommandsFail(long seed) {
        run(seed, Weather.INTERRUPTED);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void lossByTrimmingAndDeletionIsReported(long seed) {
        run(seed, Weather.HOSTILE);
    }

    private static void run(long seed, Weather weather) {
        SplittableRandom seeds = new SplittableRandom(seed);
        int gaps = 0;
        int refused = 0;
        int refusedSdks = 0;
        int received = 0;
        for (int run = 0; run < RUNS; run++) {
            long own = seeds.nextLong();
            // The order in which a pod treats its streams follows from the hashes of their names.
            List<Channel> channels = run % 2 == 0 ? CHANNELS : List.of(CHANNELS.get(1), CHANNELS.get(0));
            Simulation simulation = new Simulation(new SplittableRandom(own), weather, channels);
            try {
                simulation.run();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("run " + run + " of seed " + seed + " (" + own + ")", e);
            }
            gaps += simulation.gaps;
            refused += simulation.refused;
            refusedSdks += simulation.refusedSdks;
            received += simulation.received;
        }
        assertThat(refusedSdks).isGreaterThan(RUNS / 10);
        assertThat(received).isGreaterThan(RUNS * (weather == Weather.TRIMMED ? 5 : 20));
        if (weather == Weather.HOSTILE) {
            assertThat(gaps).isGreaterThan(RUNS / 10);
            assertThat(refused).isGreaterThan(RUNS / 10);
        } else {
            assertThat(gaps).as("gaps without a loss").isZero();
            // Clients of streams that were empty, or have been trimmed since, can't prove that they lack nothing.
            assertThat(refused == 0).as("refused").isEqualTo(weather == Weather.INTERRUPTED);
        }
    }

    private static final class Simulation {

        private final SplittableRandom random;
        private final Weather weather;
        private final List<Channel> channels;
        private final SimulatedStreams redis = new SimulatedStreams();
        private final HandDrivenSource source = new HandDrivenSource();
        private final Queue<Runnable> tasks = new ArrayDeque<>();
        private final TestTimer timer = new TestTimer();
        private final Loop loop = new Loop(0, tasks::add);
        private final Registry registry = TestRegistries.with(Scope.CONNECTION);
        private final DeliveryDispatcher deliveries = TestDispatchers.with(source, registry, 1 << 20, lagged -> {});
        private final StreamReader reader = redis.reader(source, registry, deliveries, this::gap);
        private final ResumeMeters meters = new ResumeMeters(new SimpleMeterRegistry());
        private final ReplaySender sender =
                new ReplaySender(deliveries, reader, TestReplays.of(reader), meters, timer, System::nanoTime, 200);
        private final StreamSubscriptions subscriptions =
                new StreamSubscriptions(registry, reader, sender, meters, new SimpleMeterRegistry());
        private final ChannelStreams streams = new ChannelStreams(registry, reader, sender, meters);
        private final ChannelCommands commands = new ChannelCommands(
                TestOutboxFactory.ROUTES,
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
        private final Map<Channel, List<EntryId>> added = new HashMap<>();
        private final List<Participant> browsers = new ArrayList<>();
        private boolean down;
        private int gaps;
        private int refused;
        private int refusedSdks;
        private int received;

        Simulation(SplittableRandom random, Weather weather, List<Channel> channels) {
            this.random = random;
            this.weather = weather;
            this.channels = channels;
            reader.start();
            channels.forEach(channel -> {
                added.put(channel, new ArrayList<>());
                for (int i = 0; i < 2; i++) {
                    browsers.add(new Browser(channel));
                    browsers.add(new SdkBrowser(channel));
                }
            });
            if (weather != Weather.CALM) {
                // A stream without entries before an interruption does not prove that none was removed in it.
                browsers.forEach(Participant::change);
                settle();
                channels.forEach(channel -> add(channel, Integer.MAX_VALUE));
                settle();
            }
        }

        private void gap(StreamGap gap) {
            GapNotifier.tell(gap, streams);
        }

        private void add(Channel channel, int maxLength) {
            addedTo(channel).add(redis.add(channel, maxLength));
        }

        private List<EntryId> addedTo(Channel channel) {
            return Objects.requireNonNull(added.get(channel));
        }

        void run() {
            // Each addition takes many steps.
            int steps = weather == Weather.TRIMMED ? STEPS / 6 : STEPS;
            for (int i = 0; i < steps; i++) {
                step(random.nextInt(100));
            }
            if (down) {
                restore();
            }
            settle();
            browsers.forEach(Participant::verifyEnd);
        }

        private void settle() {
            settle(3);
        }

        private void settle(int beats) {
            int left = beats;
            for (int quiet = 0; quiet < 20; quiet++) {
                boolean busy = redis.execute();
                busy |= redis.executeBeat();
                busy |= redis.reply();
                busy |= hear();
                busy |= turn();
                source.runTasks();
                if (busy) {
                    quiet = 0;
                } else {
                    source.timeIsUp();
                    timer.isUp();
                    if (left-- > 0) {
                        redis.beat(reader);
                    }
                }
            }
        }

        private void step(int choice) {
            Channel channel = channels.get(random.nextInt(channels.size()));
            if (choice < 12) {
                add(channel);
            } else if (choice < 15) {
                if (!down && random.nextBoolean()) {
                    redis.beat(reader);
                } else {
                    redis.executeBeat();
                }
            } else if (choice < 30) {
                redis.execute();
            } else if (choice < 45) {
                redis.reply();
            } else if (choice < 60) {
                hear();
            } else if (choice < 75) {
                source.runTasks();
            } else if (choice < 87) {
                turn();
            } else if (choice < 90) {
                source.timeIsUp();
            } else if (choice < 93) {
                timer.isUp();
            } else if (choice < 97) {
                browsers.get(random.nextInt(browsers.size())).change();
            } else if (choice < 99 && (weather == Weather.INTERRUPTED || weather == Weather.HOSTILE)) {
                if (down) {
                    restore();
                } else {
                    down = true;
                    redis.interrupt();
                    source.execute(() -> reader.interrupted(true));
                    redis.fail();
                }
            } else if (weather == Weather.HOSTILE) {
                redis.delete(channel);
            }
            if (down) {
                redis.interrupt();
            }
        }

        private void add(Channel channel) {
            boolean hostile = weather == Weather.HOSTILE;
            if (weather == Weather.TRIMMED) {
                settle(random.nextInt(2));
                add(channel, 1 + random.nextInt(3));
            } else if (hostile && random.nextInt(20) == 0) {
                addedTo(channel).add(redis.addLarge(channel));
            } else if (random.nextInt(10) == 0) {
                addedTo(channel).add(redis.addUnnameable(channel));
            } else {
                boolean trims = hostile && random.nextInt(3) == 0;
                // Sometimes more than one read finds.
                int count = random.nextInt(10) == 0 ? 12 : 1;
                for (int i = 0; i < count; i++) {
                    add(channel, trims ? 1 + random.nextInt(8) : Integer.MAX_VALUE);
                }
            }
        }

        private void restore() {
            down = false;
            source.execute(() -> reader.interrupted(false));
        }

        /** Several notifications at once, as one read of the feed. */
        private boolean hear() {
            int count = Math.min(redis.notifications.size(), 1 + random.nextInt(random.nextInt(4) == 0 ? 16 : 4));
            List<SimulatedStreams.Notification> heard = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                heard.add(redis.notifications.remove());
            }
            if (count > 0) {
                source.execute(() -> SimulatedStreams.hear(reader, heard));
            }
            return count > 0;
        }

        private boolean turn() {
            Runnable task = tasks.poll();
            if (task == null) {
                return false;
            }
            loop.runThenFlush(task);
            return true;
        }

        private abstract static class Participant {

            abstract void change();

            abstract void verifyEnd();
        }

        /** A client of version 2. */
        private final class Browser extends Participant implements FrameWriter {

            private final Channel channel;
            private @Nullable Connection connection;
            private @Nullable EntryId asked;

            /** The last entry, or the answer's position. */
            private @Nullable EntryId last;

            /** Whether the client may have lost entries after the last one. */
            private boolean told;

            /** Whether entries were lost of which the client must still be told. */
            private boolean owed;

            private boolean answered;
            private @Nullable AssertionError failure;

            Browser(Channel channel) {
                this.channel = channel;
            }

            @Override
            void change() {
                if (connection == null) {
                    connect();
                } else {
                    registry.remove(connection);
                    connection = null;
                    // The pod finds out only after it has sent a newer entry.
                    owed = false;
                }
            }

            private void connect() {
                asked = random.nextInt(4) == 0 ? null : random.nextInt(8) == 0 ? EntryId.BEGINNING : last;
                answered = false;
                told = false;
                Connection made = new Connection(
                        "7",
                        any -> true,
                        TestOutboxFactory.with(8_000, Duration.ofDays(1), new SimpleMeterRegistry())
                                .open(this, loop, reason -> {}),
                        loop,
                        event -> registry.remove(event.connection()),
                        "v2",
                        true,
                        false);
                connection = made;
                registry.add(made);
                JointRequest joint = new JointRequest(null, asked, false);
                TestClient client = new TestClient(made, Dialect.V2);
                assertThat(subscriptions.takes(client, channel, new Request(false, null, joint)))
                        .isTrue();
            }

            @Override
            public void write(Frame frame) {
                try {
                    take(frame);
                } catch (AssertionError e) {
                    // The connection would end instead.
                    failure = failure == null ? e : failure;
                }
            }

            private void take(Frame frame) {
                if (frame instanceof PublicationBatch batch) {
                    for (int i = 0; i < batch.count(); i++) {
                        hear(batch.get(i).id());
                    }
                } else if (frame instanceof ReplayBatch batch) {
                    for (int i = 0; i < batch.count(); i++) {
                        hear(batch.get(i).id());
                    }
                } else if (frame instanceof Frame.Text text) {
                    answer(text);
                }
            }

            private void answer(Frame.Text text) {
                JsonNode message;
                try {
                    message = JSON.readTree(text.utf8());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                if (message.get("action").asText().equals("gap")) {
                    gaps++;
                    told = true;
                    owed = false;
                    return;
                }
                if (message.get("action").asText().equals("error")) {
                    assertThat(message.get("code").asText()).isEqualTo("unavailable");
                    Connection refused = Objects.requireNonNull(connection);
                    connection = null;
                    source.execute(() -> registry.remove(refused));
                    return;
                }
                assertThat(message.get("action").asText()).isEqualTo("subscribed");
                answered = true;
                if (asked == null) {
                    last = TestStreams.last(message.get("at").asText());
                    // The stream may have had entries before it was empty.
                    told = last.equals(EntryId.ZERO) && weather == Weather.HOSTILE;
                    return;
                }
                last = asked.equals(EntryId.BEGINNING) ? EntryId.ZERO : asked;
                if (!message.get("recovered").asBoolean()) {
                    refused++;
                    told = true;
                } else if (asked.equals(EntryId.BEGINNING)) {
                    // It asked for what the stream has, not for what it had.
                    told = true;
                }
                if (message.has("at")) {
                    last = TestStreams.last(message.get("at").asText());
                }
            }

            private void hear(@Nullable EntryId id) {
                assertThat(answered).isTrue();
                received++;
                EntryId before = Objects.requireNonNull(last);
                EntryId now = Objects.requireNonNull(id);
                assertThat(before.precedes(now)).as("%s after %s", now, before).isTrue();
                boolean missed = addedTo(channel).stream().anyMatch(one -> before.precedes(one) && one.precedes(now));
                owed |= missed && !told;
                told = false;
                last = now;
            }

            @Override
            void verifyEnd() {
                if (failure != null) {
                    throw failure;
                }
                if (connection == null) {
                    return;
                }
                assertThat(answered).as("answered").isTrue();
                assertThat(owed).as("lost and not told").isFalse();
                EntryId end = Objects.requireNonNull(last);
                boolean missed = addedTo(channel).stream().anyMatch(one -> end.precedes(one));
                assertThat(missed && !told)
                        .as("entries after %s of %s", end, addedTo(channel))
                        .isFalse();
                assertThat(redis.streams.getOrDefault(channel, new TreeSet<>()).stream()
                                .filter(one -> !SimulatedStreams.isLarge(one)))
                        .as("entries that are there")
                        .noneMatch(end::precedes);
            }

            @Override
            public void flush(Done done) {
                done.done(null);
            }

            @Override
            public void close(int code, String reason) {}

            @Override
            public void cut() {}
        }

        /** A client on one of Centrifugo's SDKs. */
        private final class SdkBrowser extends Participant {

            private int connections;

            private final Channel channel;
            private @Nullable Connection connection;

            /** Whether the SDK takes publications. */
            private boolean subscribed;

            /** Whether the SDK asks to recover. */
            private boolean recovers;

            private String epoch = "";
            private long offset;
            private @Nullable EntryId asked;

            /** The last entry that came, or the position of the answer. */
            private @Nullable EntryId last;

            private boolean told;
            private boolean owed;
            private @Nullable AssertionError failure;

            SdkBrowser(Channel channel) {
                this.channel = channel;
            }

            @Override
            void change() {
                if (connection == null) {
                    connect();
                } else {
                    registry.remove(connection);
                    connections++;
                    connection = null;
                    subscribed = false;
                    owed = false;
                }
            }

            private void connect() {
                Connection made = new Connection(
                        "7",
                        any -> true,
                        TestOutboxFactory.with(8_000, Duration.ofDays(1), new SimpleMeterRegistry())
                                .open(new Socket(++connections), loop, reason -> {}),
                        loop,
                        event -> registry.remove(event.connection()),
                        "centrifuge",
                        true,
                        false);
                connection = made;
                registry.add(made);
                if (random.nextInt(4) == 0) {
                    recovers = false;
                }
                subscribe(made);
            }

            private void subscribe(Connection on) {
                String since = recovers ? ",\"recover\":true,\"epoch\":\"" + epoch + "\",\"offset\":" + offset : "";
                ClientMessage.Subscribe message = (ClientMessage.Subscribe) Dialect.CENTRIFUGE
                        .parse("{\"id\":1,\"subscribe\":{\"channel\":\"" + channel.name() + "\"" + since + "}}")
                        .get(0);
                asked = recovers ? message.entry() : null;
                TestClient client = new TestClient(on, Dialect.CENTRIFUGE);
                assertThat(registry.subscribe(on, channel)).isEqualTo(Subscribed.YES);
                commands.subscribed(
                        client,
                        channel,
                        new JointRequest(message.since(), message.entry(), message.strict()),
                        message.id());
            }

            /** The socket of a connection, which is not read any more after the next one has begun. */
            private final class Socket implements AcceptingFrameWriter {

                private final int number;

                Socket(int number) {
                    this.number = number;
                }

                @Override
                public void write(Frame frame) {
                    try {
                        if (number == connections) {
                            take(frame);
                        }
                    } catch (AssertionError e) {
                        // The connection would end instead.
                        failure = failure == null ? e : failure;
                    }
                }
            }

            private void take(Frame frame) {
                if (frame instanceof PublicationBatch batch) {
                    for (int i = 0; i < batch.count(); i++) {
                        publication(batch.get(i));
                    }
                } else if (frame instanceof ReplayBatch batch) {
                    for (int i = 0; i < batch.count(); i++) {
                        publication(batch.get(i));
                    }
                } else if (frame instanceof Frame.Text text) {
                    new String(text.utf8(), StandardCharsets.UTF_8)
                            .lines()
                            .map(this::parse)
                            .forEach(this::hear);
                }
            }

            private void publication(Payload payload) {
                byte[] message = Objects.requireNonNull(Dialect.CENTRIFUGE.encode(channel, payload, true));
                hear(parse(new String(message, StandardCharsets.UTF_8)));
            }

            private JsonNode parse(String json) {
                try {
                    return JSON.readTree(json);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }

            private void hear(JsonNode message) {
                JsonNode push = message.path("push");
                if (message.has("subscribe")) {
                    began(message.get("subscribe"));
                } else if (message.has("error")) {
                    assertThat(message.get("error").get("code").asInt()).isEqualTo(100);
                    Connection refused = Objects.requireNonNull(connection);
                    connection = null;
                    source.execute(() -> registry.remove(refused));
                } else if (push.has("pub")) {
                    hearPublication(push.get("pub"));
                } else if (push.has("unsubscribe")) {
                    assertThat(push.get("unsubscribe").get("code").asInt()).isEqualTo(2502);
                    assertThat(subscribed).isTrue();
                    subscribed = false;
                    epoch = "_";
                    offset = 0;
                    Connection same = Objects.requireNonNull(connection);
                    loop.execute(() -> {
                        if (same.equals(connection)) {
                            subscribe(same);
                        }
                    });
                } else {
                    assertThat(push.get("message").get("data").get("action").asText())
                            .isEqualTo("gap");
                }
            }

            private void began(JsonNode start) {
                assertThat(subscribed).isFalse();
                subscribed = true;
                assertThat(start.get("recoverable").asBoolean()).isTrue();
                assertThat(start.has("was_recovering")).isEqualTo(recovers);
                boolean invalidated = epoch.equals("_");
                boolean before = recovers;
                recovers = true;
                epoch = start.get("epoch").asText();
                offset = start.get("offset").asLong();
                EntryId at = new EntryId(offset >>> 12, offset & 4095);
                if (!before) {
                    last = at;
                    // The position may be before the entry after which delivery begins.
                    told = weather == Weather.HOSTILE
                            || !(at.equals(EntryId.ZERO) || addedTo(channel).contains(at));
                } else if (start.get("recovered").asBoolean()) {
                    assertThat(at).isEqualTo(asked);
                } else {
                    refusedSdks++;
                    assertThat(weather == Weather.HOSTILE
                                    || weather == Weather.TRIMMED
                                    || invalidated
                                    || mayLack(Objects.requireNonNull(asked)))
                            .as("refused only where entries may be missing")
                            .isTrue();
                    told = true;
                    owed = false;
                    EntryId known = Objects.requireNonNull(last);
                    last = known.precedes(at) ? at : known;
                }
            }

            /** Whether the client has no proof of what it has: nothing yet, or perhaps an entry that it can't name. */
            private boolean mayLack(EntryId since) {
                return since.equals(EntryId.ZERO)
                        || addedTo(channel).stream()
                                .filter(since::precedes)
                                .findFirst()
                                .filter(next -> !SimulatedStreams.isNameable(next))
                                .isPresent()
                        || !addedTo(channel).contains(since);
            }

            private void hearPublication(JsonNode publication) {
                if (!subscribed) {
                    return;
                }
                received++;
                EntryId before = Objects.requireNonNull(last);
                EntryId now = EntryId.parse(publication.get("data").asText());
                assertThat(before.precedes(now)).as("%s after %s", now, before).isTrue();
                boolean missed = addedTo(channel).stream().anyMatch(one -> before.precedes(one) && one.precedes(now));
                owed |= missed && !told;
                told = false;
                last = now;
                assertThat(publication.has("offset")).isEqualTo(SimulatedStreams.isNameable(now));
                if (publication.has("offset")) {
                    assertThat(publication.get("offset").asLong()).isGreaterThan(offset);
                    offset = publication.get("offset").asLong();
                }
            }

            @Override
            void verifyEnd() {
                if (failure != null) {
                    throw failure;
                }
                if (connection == null) {
                    return;
                }
                assertThat(subscribed).as("subscribed").isTrue();
                assertThat(owed).as("lost and not told").isFalse();
                EntryId end = Objects.requireNonNull(last);
                boolean missed = addedTo(channel).stream().anyMatch(one -> end.precedes(one));
                assertThat(missed && !told)
                        .as("entries after %s of %s", end, addedTo(channel))
                        .isFalse();
            }
        }
    }
}
