package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sluice.TestRelay;
import dev.sluice.clock.EntryId;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.clock.Since;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.HandDrivenSource;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.feed.Batch;
import dev.sluice.feed.Publication;
import dev.sluice.harness.EventParser;
import dev.sluice.history.History;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.AcceptingFrameWriter;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Outbox;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.Welcome;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.retain.Retention;
import dev.sluice.retain.TestRetention;
import dev.sluice.route.Channel;
import dev.sluice.stream.SimulatedStreams;
import dev.sluice.stream.StreamGap;
import dev.sluice.stream.StreamReader;
import dev.sluice.stream.StreamReplay;
import dev.sluice.stream.TestReplays;
import dev.sluice.wire.TestEventIds;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Simulates streams, a pod that reads them, and clients that hear streams from their beginning on: their users' own
 * channels, and events. They come, go and resume at random moments. Each gets each entry once and in order, or is told
 * that entries were lost. Each test name contains the seed.
 */
@Execution(ExecutionMode.CONCURRENT)
class StreamOpeningSimulationTest {

    private static final int RUNS = 60;
    private static final int STEPS = 2_000;
    private static final String USER = "7";
    private static final List<Channel> OWN = TestOutboxFactory.OWN_STREAMS.ofUser(USER);
    private static final List<Channel> NAMED =
            List.of(TestOutboxFactory.channel("log:a"), TestOutboxFactory.channel("log:b"));
    private static final List<Channel> ALL =
            Stream.concat(OWN.stream(), NAMED.stream()).toList();
    private static final List<Channel> UPLOADS =
            List.of(TestOutboxFactory.channel("upload:a"), TestOutboxFactory.channel("upload:b"));
    private static final Era ERA = new Era(1, 2);
    private static final JsonMapper JSON = new JsonMapper();

    /** What happens besides additions. */
    enum Weather {
        CALM,
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
    void nothingIsLostOrRepeatedIfNotificationsAndCommandsFail(long seed) {
        run(seed, Weather.INTERRUPTED);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void lossByTrimmingAndDeletionIsReported(long seed) {
        run(seed, Weather.HOSTILE);
    }

    /** Publications reach the pod also while notifications of streams do not. */
    @ParameterizedTest
    @CsvSource({"1, CALM", "2, INTERRUPTED", "3, HOSTILE"})
    void publicationsBesideStreamsAreNeitherLostNorReordered(long seed, Weather weather) {
        assertThat(run(seed, weather, true)).isGreaterThan(RUNS * 20);
    }

    private static void run(long seed, Weather weather) {
        assertThat(run(seed, weather, false)).isZero();
    }

    /**
     * Returns the number of publications that clients received.
     *
     * @param mixed whether clients of events hear publications beside streams
     */
    private static int run(long seed, Weather weather, boolean mixed) {
        SplittableRandom seeds = new SplittableRandom(seed);
        int received = 0;
        int recovered = 0;
        int refused = 0;
        int published = 0;
        for (int run = 0; run < RUNS; run++) {
            long own = seeds.nextLong();
            Simulation simulation = new Simulation(new SplittableRandom(own), weather, mixed);
            try {
                simulation.run();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("run " + run + " of seed " + seed + " (" + own + ")", e);
            }
            received += simulation.received;
            recovered += simulation.recovered;
            refused += simulation.refused;
            published += simulation.publicationsReceived;
        }
        assertThat(received).isGreaterThan(RUNS * 100);
        assertThat(recovered).isGreaterThan(weather == Weather.HOSTILE ? RUNS / 4 : RUNS);
        // A client that is cut before it gets a position can't resume publications.
        if (weather == Weather.CALM && !mixed) {
            assertThat(refused).isZero();
        }
        return published;
    }

    private static final class Simulation {

        private final SplittableRandom random;
        private final Weather weather;
        private final boolean mixed;
        private final SimulatedStreams redis = new SimulatedStreams();
        private final HandDrivenSource source = new HandDrivenSource();
        private final Queue<Runnable> tasks = new ArrayDeque<>();
        private final TestTimer timer = new TestTimer();

        /** A client that waits too long is answered without knowing what it can get. */
        private final TestTimer patience = new TestTimer();

        private final Loop loop = new Loop(0, tasks::add);
        private final Registry registry = TestRegistries.with(TestOutboxFactory.STREAMS_AND_UPLOADS);
        private final DeliveryDispatcher deliveries =
                TestDispatchers.with(source, registry, TestOutboxFactory.STREAMS_AND_UPLOADS);
        private final StreamReader reader = redis.reader(source, registry, deliveries, this::gap);
        private final History history = TestHistory.standard();
        private final Retention retention = TestRetention.with(10);
        private final Consumer<Batch> relay = TestRelay.of(history, retention, registry, deliveries);
        private final CommandHandler commands = commands();

        /** The number of publications of each channel. */
        private final Map<Channel, Integer> published = new HashMap<>();

        private int publications;
        private int publicationsReceived;
        private final Map<Channel, List<EntryId>> added = new HashMap<>();
        private final List<Browser> browsers = new ArrayList<>();
        private boolean down;
        private int received;
        private int recovered;
        private int refused;

        Simulation(SplittableRandom random, Weather weather, boolean mixed) {
            this.random = random;
            this.weather = weather;
            this.mixed = mixed;
            if (mixed) {
                relay.accept(new Batch(at(0), new ArrayList<>()));
            }
            reader.start();
            ALL.forEach(channel -> {
                added.put(channel, new ArrayList<>());
                // A stream without entries before an interruption does not prove that none was removed in it.
                add(channel, Integer.MAX_VALUE);
            });
            for (int i = 0; i < 2; i++) {
                browsers.add(new Events());
                browsers.add(new Positioned());
                browsers.add(new Old());
            }
        }

        private CommandHandler commands() {
            SimpleMeterRegistry metrics = new SimpleMeterRegistry();
            ResumeMeters meters = new ResumeMeters(metrics);
            StreamReplay replays = TestReplays.of(reader);
            Timer timers = (millis, task) -> (millis < 2_000 ? timer : patience).after(millis, task);
            ReplaySender sender =
                    new ReplaySender(deliveries, reader, replays, meters, timers, System::nanoTime, 1_000);
            StreamSubscriptions subscriptions = new StreamSubscriptions(registry, reader, sender, meters, metrics);
            return TestCommandHandler.ofStreams(
                    registry,
                    history,
                    retention,
                    deliveries,
                    subscriptions,
                    new StreamOpenings(registry, reader, replays, sender, subscriptions, meters));
        }

        private void gap(StreamGap gap) {
            gap.listeners()
                    .forEachLoop(listeners -> loop.execute(() -> listeners.connections().stream()
                            .filter(connection -> !connection.isWaiting())
                            .forEach(connection -> {
                                boolean events = connection.protocol().equals("sse");
                                Dialect dialect = events ? Dialect.NAMED_EVENTS : Dialect.V2;
                                connection.send(dialect.gap(gap.channel(), gap.since(), gap.until()));
                            })));
        }

        private void add(Channel channel, int maxLength) {
            addedTo(channel).add(redis.add(channel, maxLength));
        }

        private List<EntryId> addedTo(Channel channel) {
            return Objects.requireNonNull(added.get(channel));
        }

        private EntryId newest(Channel channel) {
            List<EntryId> all = addedTo(channel);
            return all.get(all.size() - 1);
        }

        void run() {
            for (int i = 0; i < STEPS; i++) {
                step(random.nextInt(100));
            }
            if (down) {
                restore();
            }
            settle();
            browsers.forEach(Browser::verifyEnd);
        }

        private void settle() {
            int beats = 3;
            for (int quiet = 0; quiet < 20; quiet++) {
                boolean busy = redis.execute();
                busy |= redis.executeBeat();
                busy |= redis.reply();
                busy |= hear();
                busy |= turn();
                source.runTasks();
                browsers.forEach(Browser::read);
                if (busy) {
                    quiet = 0;
                } else {
                    source.timeIsUp();
                    timeIsUp();
                    if (beats-- > 0) {
                        redis.beat(reader);
                    }
                }
            }
        }

        private void timeIsUp() {
            timer.isUp();
        }

        private void step(int choice) {
            if (mixed && random.nextInt(8) == 0) {
                publish();
            }
            Channel channel = ALL.get(random.nextInt(ALL.size()));
            if (choice < 3) {
                if (!down && random.nextBoolean()) {
                    redis.beat(reader);
                } else {
                    redis.executeBeat();
                }
            } else if (choice < 15) {
                boolean trims = weather == Weather.HOSTILE && random.nextInt(3) == 0;
                // Sometimes more than one read finds.
                int count = random.nextInt(10) == 0 ? 12 : 1;
                for (int i = 0; i < count; i++) {
                    add(channel, trims ? 1 + random.nextInt(8) : Integer.MAX_VALUE);
                }
            } else if (choice < 30) {
                redis.execute();
            } else if (choice < 45) {
                redis.reply();
            } else if (choice < 58) {
                hear();
            } else if (choice < 72) {
                source.runTasks();
            } else if (choice < 84) {
                turn();
            } else if (choice < 86) {
                source.timeIsUp();
            } else if (choice < 88) {
                timeIsUp();
            } else if (choice < 94) {
                browsers.get(random.nextInt(browsers.size())).read();
            } else if (choice < 95 && random.nextInt(4) == 0) {
                if (weather != Weather.CALM) {
                    patience.isUp();
                }
            } else if (choice < 97) {
                browsers.get(random.nextInt(browsers.size())).change();
            } else if (choice < 99 && weather != Weather.CALM) {
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

        private void restore() {
            down = false;
            source.execute(() -> reader.interrupted(false));
        }

        private Position at(int number) {
            return Position.of(ERA, 1, number, 1);
        }

        private void publish() {
            Channel channel = UPLOADS.get(random.nextInt(UPLOADS.size()));
            int number = published.merge(channel, 1, Integer::sum);
            byte[] name = channel.name().getBytes(StandardCharsets.US_ASCII);
            byte[] payload = Integer.toString(number).getBytes(StandardCharsets.US_ASCII);
            byte[] bytes = Arrays.copyOf(name, name.length + payload.length);
            System.arraycopy(payload, 0, bytes, name.length, payload.length);
            Position before = at(publications++);
            List<Publication> one = new ArrayList<>();
            one.add(new Publication(bytes, name.length, payload.length, 0));
            source.execute(() -> relay.accept(new Batch(before, one)));
        }

        private boolean hear() {
            int count = Math.min(redis.notifications.size(), 1 + random.nextInt(4));
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

        /** The owner of an outbox, whose marks have positions if there are publications. */
        private final class Owner implements Outbox.Owner {

            private final Dialect dialect;

            Owner(Dialect dialect) {
                this.dialect = dialect;
            }

            @Override
            public void failed(Disconnect reason) {}

            @Override
            public @Nullable Frame mark() {
                Position at = mixed && dialect.tag().equals("sse") ? deliveries.position(loop) : null;
                return at == null ? null : dialect.mark(at);
            }
        }

        /** What a client knows of a channel. */
        private final class Heard {

            /** It has, or does not want, everything up to this entry. */
            private EntryId last;

            /** Entries up to this one may arrive although the client does not want them. */
            private EntryId wanted;

            /** What the client sends to resume; {@code null} if it has nothing. */
            private @Nullable EntryId sends;

            /** Whether entries may be missing after the last one. */
            private boolean told;

            /** Whether entries were lost of which the client must still be told. */
            private boolean owed;

            Heard(EntryId last, EntryId wanted) {
                this.last = last;
                this.wanted = wanted;
            }

            private EntryId from() {
                return last.precedes(wanted) ? wanted : last;
            }

            void entry(Channel channel, EntryId id) {
                received++;
                assertThat(last.precedes(id))
                        .as("%s after %s of %s", id, last, channel)
                        .isTrue();
                EntryId from = from();
                owed |= !told && addedTo(channel).stream().anyMatch(one -> from.precedes(one) && one.precedes(id));
                told = false;
                last = id;
                sends = id;
            }

            void gap() {
                told = true;
                owed = false;
            }

            void verifyEnd(Channel channel) {
                assertThat(owed).as("lost of %s and not told", channel).isFalse();
                EntryId from = from();
                assertThat(addedTo(channel).stream().anyMatch(from::precedes) && !told)
                        .as("entries after %s of %s", from, addedTo(channel))
                        .isFalse();
                // A client that was answered before the cursor stood is told that it misses what was added meanwhile.
                assertThat(redis.streams.getOrDefault(channel, new TreeSet<>()).stream()
                                        .anyMatch(from::precedes)
                                && (wanted.equals(EntryId.ZERO) || !told))
                        .as("entries of %s that are there", channel)
                        .isFalse();
            }
        }

        /** A client of one protocol. */
        private abstract class Browser implements FrameWriter {

            @Nullable
            Connection connection;

            final Map<Channel, Heard> heard = new LinkedHashMap<>();

            boolean answered;
            private @Nullable Throwable failure;

            void change() {
                if (connection == null) {
                    answered = false;
                    connect();
                } else {
                    connection.disconnect(Disconnect.CLIENT_CLOSED);
                    connection = null;
                    cut();
                }
            }

            abstract void connect();

            /** Reads what has been sent. */
            void read() {}

            final void open(FrameWriter writer, Dialect dialect, List<Channel> named, @Nullable Since since) {
                Outbox outbox = TestOutboxFactory.with(20_000, Duration.ofDays(1), new SimpleMeterRegistry())
                        .open(writer, loop, new Owner(dialect));
                Connection made = new Connection(
                        USER,
                        any -> true,
                        outbox,
                        loop,
                        event -> registry.remove(event.connection()),
                        dialect.tag(),
                        dialect.positioned(),
                        true);
                connection = made;
                assertThat(registry.add(made)).isTrue();
                TestClient client = new TestClient(made, dialect);
                if (mixed) {
                    client.at = () -> outbox.isBehind() ? null : deliveries.position(loop);
                }
                List<Channel> channels = new ArrayList<>(OWN);
                channels.addAll(named);
                commands.begin(
                        client,
                        new Opening(true, named, since),
                        start -> made.send(dialect.authSuccess(
                                new Welcome(made.id(), USER, Long.MAX_VALUE, 25, channels, start, Map.of()), null)));
            }

            @Override
            public void write(Frame frame) {
                try {
                    take(frame);
                } catch (AssertionError | RuntimeException e) {
                    // The connection would end instead.
                    failure = failure == null ? e : failure;
                }
            }

            void take(Frame frame) {
                if (frame instanceof PublicationBatch batch) {
                    for (int i = 0; i < batch.count(); i++) {
                        entry(batch.channel(), batch.get(i));
                    }
                } else if (frame instanceof ReplayBatch batch) {
                    for (int i = 0; i < batch.count(); i++) {
                        entry(batch.channel(i), batch.get(i));
                    }
                } else if (frame instanceof Frame.Text text) {
                    message(json(text.utf8()));
                }
            }

            private void entry(Channel channel, Payload payload) {
                assertThat(answered).as("answered").isTrue();
                of(channel).entry(channel, Objects.requireNonNull(payload.id()));
            }

            final Heard of(Channel channel) {
                return Objects.requireNonNull(heard.get(channel));
            }

            final void message(JsonNode message) {
                switch (message.get("action").asText()) {
                    case "auth_success", "subscribed" -> {
                        answered = true;
                        answer(message);
                    }
                    case "gap" -> of(channel(message.get("channel").asText())).gap();
                    default -> throw new AssertionError(message);
                }
            }

            abstract void answer(JsonNode answer);

            void verifyEnd() {
                if (failure != null) {
                    throw new AssertionError(failure);
                }
                if (connection != null) {
                    assertThat(answered).as("answered").isTrue();
                    heard.forEach((channel, one) -> one.verifyEnd(channel));
                }
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

        /** A client without positions, which gets what is added after it was answered. */
        private final class Old extends Browser {

            @Override
            void connect() {
                heard.clear();
                open(this, Dialect.V1, List.of(), null);
            }

            @Override
            void answer(JsonNode answer) {
                assertThat(answer).hasToString("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
                OWN.forEach(channel -> heard.put(channel, new Heard(EntryId.ZERO, newest(channel))));
            }
        }

        /** A client of version 2. */
        private final class Positioned extends Browser {

            private @Nullable Since since;

            @Override
            void connect() {
                since = null;
                Map<String, EntryId> ids = new HashMap<>();
                if (random.nextInt(4) > 0) {
                    heard.forEach((channel, one) -> {
                        if (one.sends != null) {
                            ids.put(Since.key(channel.name()), one.sends);
                        }
                    });
                    since = ids.isEmpty() ? null : new Since(null, null, ids);
                } else if (random.nextInt(4) == 0) {
                    since = Since.of(EntryId.BEGINNING);
                }
                heard.clear();
                open(this, Dialect.V2, List.of(), since);
            }

            @Override
            void answer(JsonNode answer) {
                boolean all = answer.path("recovered").asBoolean();
                count(answer);
                for (Channel channel : OWN) {
                    JsonNode stands = answer.path("ids").path(channel.name());
                    EntryId asked = since == null ? null : since.entry(channel.name());
                    EntryId last = asked == null || asked.equals(EntryId.BEGINNING) ? EntryId.ZERO : asked;
                    if (stands.isTextual()) {
                        last = TestStreams.last(stands.asText());
                    }
                    // Without a position, Redis did not answer in time.
                    boolean unknown = asked == null && !stands.isTextual();
                    Heard now = new Heard(last, unknown ? newest(channel) : EntryId.ZERO);
                    now.sends = unknown ? null : stands.isTextual() ? last : asked;
                    now.told = asked == null ? stands.isTextual() && last.equals(EntryId.ZERO) : !all;
                    // The client asked for what the stream has, not for what it had.
                    now.told |= EntryId.BEGINNING.equals(asked);
                    heard.put(channel, now);
                }
            }
        }

        private void count(JsonNode answer) {
            if (answer.has("recovered")) {
                recovered += answer.get("recovered").asBoolean() ? 1 : 0;
                refused += answer.get("recovered").asBoolean() ? 0 : 1;
            }
        }

        /** A browser's EventSource, which reads late, and loses what it has not read. */
        private final class Events extends Browser {

            private final ByteArrayOutputStream unread = new ByteArrayOutputStream();
            private final Map<Channel, EntryId> newestBefore = new HashMap<>();
            private final Map<Channel, Integer> publishedBefore = new HashMap<>();

            /** The publications of each channel up to which the client has, or does not want, all. */
            private final Map<Channel, Integer> numbers = new HashMap<>();

            /** The channels of which the connection has brought publications. */
            private final Set<Channel> begun = new HashSet<>();

            private int connections;
            private EventParser parser = new EventParser();
            private String lastEventId = "";

            @Override
            void connect() {
                parser = new EventParser();
                if (random.nextInt(5) == 0) {
                    lastEventId = "";
                }
                heard.clear();
                begun.clear();
                List<Channel> named = new ArrayList<>(NAMED);
                named.addAll(mixed ? UPLOADS : List.of());
                List<Channel> all = new ArrayList<>(OWN);
                all.addAll(named);
                open(
                        TestEventIds.before(new Socket(connections), Dialect.NAMED_EVENTS, all),
                        Dialect.NAMED_EVENTS,
                        named,
                        lastEventId.isEmpty() ? null : Since.parse(lastEventId));
            }

            @Override
            void take(Frame frame) {
                if (frame instanceof PublicationBatch batch) {
                    assertThat(batch.count()).isOne();
                    unread.writeBytes(Dialect.NAMED_EVENTS.encode(batch.channel(), batch.first(), false));
                } else if (frame instanceof ReplayBatch batch) {
                    assertThat(batch.count()).isOne();
                    unread.writeBytes(Dialect.NAMED_EVENTS.encode(batch.channel(0), batch.get(0), false));
                } else if (frame instanceof Frame.Text text) {
                    if (!answered) {
                        ALL.forEach(channel -> newestBefore.put(channel, newest(channel)));
                        publishedBefore.putAll(published);
                        answered = true;
                    }
                    unread.writeBytes(text.utf8());
                }
            }

            @Override
            void read() {
                byte[] bytes = unread.toByteArray();
                unread.reset();
                read(bytes, bytes.length);
            }

            private void read(byte[] bytes, int length) {
                parser.parse(bytes, length).forEach(event -> {
                    if (event.type().equals("sluice")) {
                        message(json(event.data().getBytes(StandardCharsets.UTF_8)));
                    } else if (event.type().startsWith("upload:")) {
                        publication(TestOutboxFactory.channel(event.type()), Integer.parseInt(event.data()));
                    } else {
                        Channel channel = channel(event.type());
                        of(channel).entry(channel, EntryId.parse(event.data()));
                        assertThat(Since.parse(event.lastEventId()).entry(channel.name()))
                                .isEqualTo(EntryId.parse(event.data()));
                    }
                });
                lastEventId = parser.lastEventId().isEmpty() ? lastEventId : parser.lastEventId();
            }

            /** The socket of a connection, which is not read any more after the connection is cut. */
            private final class Socket implements AcceptingFrameWriter {

                private final int number;

                Socket(int number) {
                    this.number = number;
                }

                @Override
                public void write(Frame frame) {
                    if (number == connections) {
                        Events.this.write(frame);
                    }
                }
            }

            private void publication(Channel channel, int number) {
                publicationsReceived++;
                int before = numbers.getOrDefault(channel, 0);
                if (begun.add(channel)) {
                    // What it has is repeated if the connection was cut before its position came.
                    assertThat(number).as("%s after %s", channel, before).isLessThanOrEqualTo(before + 1);
                } else {
                    assertThat(number).as("%s after %s", channel, before).isEqualTo(before + 1);
                }
                numbers.put(channel, number);
            }

            @Override
            void verifyEnd() {
                super.verifyEnd();
                if (connection != null && mixed) {
                    UPLOADS.forEach(channel -> assertThat(numbers.getOrDefault(channel, 0))
                            .as("%s", channel)
                            .isEqualTo(published.getOrDefault(channel, 0)));
                }
            }

            @Override
            public void cut() {
                connections++;
                // The rest is lost on its way.
                byte[] bytes = unread.toByteArray();
                unread.reset();
                read(bytes, random.nextInt(bytes.length + 1));
            }

            @Override
            void answer(JsonNode answer) {
                count(answer);
                boolean asked = answer.has("recovered");
                boolean all = answer.path("recovered").asBoolean();
                Since since = lastEventId.isEmpty() ? null : Since.parse(lastEventId);
                assertThat(asked).isEqualTo(since != null);
                if (!all) {
                    numbers.putAll(publishedBefore);
                }
                for (Channel channel : ALL) {
                    EntryId position = since == null ? null : since.entry(channel.name());
                    EntryId last = position == null ? null : TestStreams.last(position);
                    assertThat(all && last == null).isFalse();
                    Heard now = last == null
                            ? new Heard(EntryId.ZERO, Objects.requireNonNull(newestBefore.get(channel)))
                            : new Heard(last, EntryId.ZERO);
                    now.told = asked && !all;
                    heard.put(channel, now);
                }
            }
        }
    }

    private static Channel channel(String name) {
        return ALL.stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
    }

    private static JsonNode json(byte[] utf8) {
        try {
            return JSON.readTree(utf8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
