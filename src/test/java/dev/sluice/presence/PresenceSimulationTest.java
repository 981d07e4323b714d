package dev.sluice.presence;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import dev.sluice.route.PublicationSource;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Simulates pods that tell each other which users they have, while users move, pods stop, and messages are lost. */
@Execution(ExecutionMode.CONCURRENT)
class PresenceSimulationTest {

    private static final Routes ROUTES = new Routes(List.of(new Route(
            "room",
            Audience.SUBSCRIBERS,
            Access.OPEN,
            Overflow.CLOSE,
            Retain.NONE,
            false,
            PublicationSource.PUBSUB,
            true)));
    private static final List<Channel> ROOMS = IntStream.range(0, 3)
            .mapToObj(i -> Objects.requireNonNull(ROUTES.resolve("room:" + i)))
            .toList();
    private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long GRACE = 15 * SECOND;

    private record Event(long at, long order, Runnable action) {}

    private final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
    private final List<Pod> pods = new ArrayList<>();
    private final List<Connection> connections = new ArrayList<>();

    /** Since when a user is absent from a room; no entry while present. */
    private final Map<String, Long> absentSince = new HashMap<>();

    /** The last absence of a user from a room: its beginning and end. */
    private final Map<String, long[]> absences = new HashMap<>();

    private Random random = new Random(0);
    private long seed;
    private long grace = GRACE;
    private int maxUsers = 1_000;
    private long now;
    private long order;
    private int started;
    private int told;
    private int messages;
    private double loss;
    private boolean exact;

    /** What a client makes of the present users and the events. */
    private final class View {
        private final Channel room;
        private @Nullable Set<String> users;

        View(Channel room) {
            this.room = room;
        }

        void begin(UserTable.Told present) {
            users = new TreeSet<>(present.names());
        }

        void changed(String user, boolean joined) {
            told++;
            Set<String> those = Objects.requireNonNull(users, "an event came before the present users");
            assertThat(joined ? those.add(user) : those.remove(user))
                    .as("seed %d: %s of %s, where there are %s", seed, joined ? "join" : "leave", user, those)
                    .isTrue();
            Long since = absentSince.get(room + " " + user);
            if (exact && !joined) {
                // A user who returns at the end of the grace may be heard of too late, and be absent again by then.
                long[] before = absences.get(room + " " + user);
                boolean hasJustReturned = before != null && now - before[1] < SECOND / 2;
                long[] last = since == null || hasJustReturned ? before : new long[] {since, now};
                assertThat(last)
                        .as("seed %d: %s leaves, but is present", seed, user)
                        .isNotNull();
                assertThat(now - last[0])
                        .as("seed %d: absence of %s", seed, user)
                        .isGreaterThanOrEqualTo(grace);
                assertThat(now - last[1])
                        .as("seed %d: return of %s", seed, user)
                        .isLessThan(SECOND / 2);
            }
        }
    }

    private final class Pod implements UserTable.Audience {
        final String id = "pod-" + started++;
        final UserTable table = new UserTable(grace, maxUsers, 100_000, () -> now, this);
        final FleetView view = new FleetView(id, false, () -> now, ROUTES::resolve, () -> {}, table);
        final Map<Channel, Set<View>> watchers = new HashMap<>();
        final Map<String, Integer> counts = new HashMap<>();
        long lastArrival;
        boolean deaf;
        boolean gone;

        void run() {
            if (gone) {
                return;
            }
            view.tick(2_000);
            for (int i = 0; i < 4; i++) {
                JsonNode message = view.next();
                if (message != null) {
                    messages++;
                    assertThat(message.toString().length()).isLessThan(10_000);
                    // A message may also fail as a whole.
                    boolean fails = random.nextDouble() < loss;
                    if (!fails) {
                        publish(message);
                    }
                    view.sent(!fails);
                }
            }
            at(now + 100 * MILLI, this::run);
        }

        void receive(Runnable action) {
            boolean lost = deaf || random.nextDouble() < loss;
            lastArrival = Math.max(lastArrival, now + random.nextInt(20) * MILLI);
            if (!lost) {
                at(lastArrival, () -> {
                    if (!gone && !deaf) {
                        action.run();
                    }
                });
            }
        }

        void live(boolean live) {
            if (!gone) {
                deaf = !live;
                view.live(live);
            }
        }

        /** Stops with a word, or is killed; its clients are disconnected. */
        void end(boolean word) {
            connections.stream().filter(one -> one.pod == this).toList().forEach(Connection::close);
            if (word) {
                pods.forEach(pod -> pod.receive(() -> pod.view.stopped(id)));
            }
            gone = true;
            pods.remove(this);
        }

        @Override
        public int watching(Channel channel) {
            return watchers.getOrDefault(channel, Set.of()).size();
        }

        @Override
        public void changed(Channel channel, String user, boolean present) {
            watchers.getOrDefault(channel, Set.of()).forEach(view -> view.changed(user, present));
        }

        @Override
        public void crowded(Channel channel) {}

        @Override
        public void graceless() {}
    }

    /** A connection of a user, which receives and watches rooms. */
    private final class Connection {
        final String user;
        final Set<Channel> rooms;
        final Map<Channel, View> views = new LinkedHashMap<>();

        @Nullable
        Pod pod;

        Connection(String user, Set<Channel> rooms) {
            this.user = user;
            this.rooms = rooms;
            connections.add(this);
        }

        void open(Pod to) {
            pod = to;
            for (Channel room : rooms) {
                String key = room + " " + user;
                if (to.counts.merge(key, 1, Integer::sum) == 1) {
                    to.view.joined(room, user);
                }
                Long since = absentSince.remove(key);
                if (since != null) {
                    absences.put(key, new long[] {since, now});
                }
                View view = new View(room);
                views.put(room, view);
                to.view.whenWarm(view, () -> {
                    if (pod == to && views.get(room) == view) {
                        to.table.tellNow(room, user);
                        to.watchers
                                .computeIfAbsent(room, x -> new LinkedHashSet<>())
                                .add(view);
                        view.begin(to.view.told(room));
                    }
                });
            }
        }

        void close() {
            Pod from = Objects.requireNonNull(pod);
            pod = null;
            for (Channel room : rooms) {
                String key = room + " " + user;
                View view = views.remove(room);
                from.watchers.values().forEach(watching -> watching.remove(view));
                if (from.counts.merge(key, -1, Integer::sum) == 0) {
                    from.counts.remove(key);
                    from.view.left(room, user);
                }
                if (present(room).stream().noneMatch(user::equals)) {
                    absentSince.put(key, now);
                }
            }
        }
    }

    private Set<String> present(Channel room) {
        Set<String> present = new TreeSet<>();
        connections.stream()
                .filter(one -> one.pod != null && one.rooms.contains(room))
                .forEach(one -> present.add(one.user));
        return present;
    }

    private void at(long time, Runnable action) {
        events.add(new Event(time, order++, action));
    }

    private void runUntil(long end) {
        while (!events.isEmpty() && events.element().at <= end) {
            Event next = events.remove();
            now = next.at;
            next.action.run();
        }
        now = end;
    }

    private void publish(JsonNode message) {
        JsonNode copy = message.deepCopy();
        List.copyOf(pods).forEach(pod -> pod.receive(() -> pod.view.heard(copy)));
    }

    private Pod start() {
        Pod pod = new Pod();
        pods.add(pod);
        pod.live(true);
        at(now + random.nextInt(100) * MILLI, pod::run);
        return pod;
    }

    private Pod anyPod() {
        return pods.get(random.nextInt(pods.size()));
    }

    private void populate(int pods, int users) {
        for (int i = 0; i < pods; i++) {
            start();
        }
        runUntil(now + 5 * SECOND);
        for (int i = 0; i < users; i++) {
            Set<Channel> rooms = new LinkedHashSet<>();
            rooms.add(ROOMS.get(i % ROOMS.size()));
            rooms.add(ROOMS.get(random.nextInt(ROOMS.size())));
            // Some users have two connections, maybe to two pods.
            new Connection("user " + (i % 5 == 4 ? i - 1 : i), rooms).open(anyPod());
        }
        runUntil(now + 10 * SECOND);
    }

    private void assertViewsAreTrue() {
        for (Connection connection : connections) {
            if (connection.pod != null) {
                connection.views.forEach((room, view) -> assertThat(view.users)
                        .as("seed %d: %s on %s", seed, room, connection.pod.id)
                        .isEqualTo(present(room)));
            }
        }
        for (Pod pod : pods) {
            assertThat(pod.table.queued()).isZero();
            ROOMS.forEach(room -> assertThat(pod.view.told(room).complete()).isTrue());
        }
    }

    private void move(Connection connection, long afterMillis) {
        if (connection.pod != null) {
            connection.close();
            reopen(connection, afterMillis);
        }
    }

    private void reopen(Connection connection, long afterMillis) {
        at(now + afterMillis * MILLI, () -> {
            if (connection.pod == null) {
                connection.open(anyPod());
            }
        });
    }

    private void endPod(Pod pod, boolean word) {
        List<Connection> its =
                connections.stream().filter(one -> one.pod == pod).toList();
        pod.end(word);
        its.forEach(one -> reopen(one, 100 + random.nextInt(5_000)));
    }

    /** Plays random events of users and pods for two minutes. */
    private void play(boolean kills, boolean gaps) {
        long end = now + 120 * SECOND;
        while (now < end) {
            Connection one = connections.get(random.nextInt(connections.size()));
            switch (random.nextInt(12)) {
                case 0, 1, 2, 3, 4 -> move(one, random.nextInt(10_000));
                case 5, 6 -> move(one, 10_000 + random.nextInt(30_000));
                case 7 -> {
                    if (one.pod != null) {
                        one.close();
                    }
                }
                case 8, 9 -> reopen(one, 0);
                case 10 -> {
                    if (kills && random.nextInt(8) == 0 && pods.size() > 1) {
                        endPod(anyPod(), random.nextBoolean());
                        at(now + random.nextInt(20) * SECOND, this::start);
                    }
                }
                default -> {
                    if (gaps && random.nextInt(8) == 0) {
                        Pod pod = anyPod();
                        pod.live(false);
                        at(now + random.nextInt(60) * SECOND, () -> pod.live(true));
                    }
                }
            }
            runUntil(now + random.nextInt(500) * MILLI);
        }
    }

    private void settle() {
        loss = 0;
        exact = false;
        runUntil(now + 70 * SECOND);
        runUntil(now + Peers.DEAD_NANOS + grace + 30 * SECOND);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void viewsOfClientsBecomeTheTruth(int kind) {
        int histories = "all".equals(System.getProperty("test.histories")) ? 60 : 15;
        for (int i = 0; i < histories; i++) {
            PresenceSimulationTest one = new PresenceSimulationTest();
            one.seed = System.getProperty("presence.seed") == null
                    ? new Random().nextInt(1_000_000)
                    : Long.getLong("presence.seed");
            System.out.println("presence.seed=" + one.seed + " kind " + kind);
            one.random = new Random(one.seed);
            one.loss = kind == 1 || kind == 3 ? 0.05 : 0;
            one.exact = kind == 0;
            one.populate(1 + one.random.nextInt(5), 40);
            one.play(kind >= 2, kind >= 2);
            one.settle();
            one.assertViewsAreTrue();
        }
    }

    /** How a pod makes way for another one. */
    enum Roll {
        /** The new pod starts first. */
        SURGE,
        /** The old pod ends first. */
        REPLACE,
        /** The old pod is killed, and says nothing. */
        KILL
    }

    @ParameterizedTest
    @EnumSource(Roll.class)
    void rollingUpdateMakesNobodyLeaveOrJoin(Roll roll) {
        roll(roll);
        assertThat(told).as("seed %d: events", seed).isZero();
        settle();
        assertThat(told).as("seed %d: events", seed).isZero();
        assertViewsAreTrue();
    }

    @Test
    void withoutGraceARollingUpdateIsAStorm() {
        grace = 0;
        roll(Roll.SURGE);
        assertThat(told).as("seed %d: events", seed).isGreaterThan(1_000);
        settle();
        assertViewsAreTrue();
    }

    private void roll(Roll roll) {
        seed = System.nanoTime() % 1_000_000;
        random = new Random(seed);
        populate(4, 300);
        assertViewsAreTrue();
        told = 0;
        messages = 0;
        long begin = now;
        List<Pod> old = List.copyOf(pods);
        for (Pod pod : old) {
            if (roll == Roll.SURGE) {
                start();
                runUntil(now + 3 * SECOND);
            }
            if (roll != Roll.KILL) {
                // The drain.
                List<Connection> its =
                        connections.stream().filter(one -> one.pod == pod).toList();
                for (Connection one : its) {
                    at(now + random.nextInt(10_000) * MILLI, () -> {
                        if (one.pod == pod) {
                            move(one, 100 + random.nextInt(5_000));
                        }
                    });
                }
                runUntil(now + 10 * SECOND);
            }
            endPod(pod, roll != Roll.KILL);
            if (roll != Roll.SURGE) {
                runUntil(now + 2 * SECOND);
                start();
            }
            runUntil(now + 10 * SECOND);
        }
        System.out.printf(
                "presence.seed=%d %s grace %d s: %d events, %.1f control messages a second of all pods%n",
                seed, roll, grace / SECOND, told, messages * 1e9 / (now - begin));
        for (Connection one : connections) {
            one.views.values().forEach(view -> assertThat(view.users).isNotNull());
        }
    }
}
