package dev.sluice.clock;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Simulates several pods on one or two servers, with faults: connections that break and are renewed to the same or
 * another server, pods that read late, late ticks, restarted pods, pods of another configuration, and one pod that gets
 * messages lost, doubled or out of order. Time is simulated; all randomness comes from the seed.
 */
final class ClockSimulation {

    static final long INTERVAL = 1_000;
    static final long SILENCE = 3 * INTERVAL;

    private static final long STEP = 10;
    private static final int FEW = 3;
    private static final int MANY = 200;

    /** The number of ticks after which no pod objects to an earlier position. */
    private static final int UNSURE = 11;

    private final SplittableRandom random;
    private final List<List<Message>> servers = new ArrayList<>();
    private final List<Pod> pods = new ArrayList<>();
    private final List<Late> late = new ArrayList<>();

    /** The point that each proven position stands for. */
    private final Map<Position, Point> named = new HashMap<>();

    /** Pods that detected that they differ from the majority, and when. */
    private final Map<Integer, Long> lost = new TreeMap<>();

    private final List<String> violations = new ArrayList<>();
    private long now;
    private long nonces;
    private int names;
    private boolean calm;
    private boolean anyDamage;

    /** The damage to messages on the way to the last pod. */
    enum Damage {
        DROPPED,
        DOUBLED,
        SWAPPED
    }

    /**
     * A message of a server: on the channel of the clock of that name, or a publication.
     *
     * @param published publications up to and with this one
     */
    private record Message(
            @Nullable Tick tick, @Nullable Summary summary, int clock, int channel, int length, int published) {

        static Message publication(int channel, int length) {
            return new Message(null, null, 0, channel, length, 0);
        }

        boolean isPublication() {
            return tick == null && summary == null;
        }

        Message behind(List<Message> log) {
            int before = log.isEmpty() ? 0 : log.get(log.size() - 1).published;
            return new Message(tick, summary, clock, channel, length, isPublication() ? before + 1 : before);
        }
    }

    /** A position that is recorded if no loss of the pod is detected. */
    private record Name(Position position, Point point) {}

    /** The point after a number of publications of a server. */
    private record Point(int server, int published) {}

    /** A tick that reaches a server late. */
    private record Late(long at, int server, Message message) {}

    ClockSimulation(long seed, int podCount, int serverCount) {
        random = new SplittableRandom(seed);
        for (int i = 0; i < serverCount; i++) {
            servers.add(new ArrayList<>());
        }
        for (int i = 0; i < podCount; i++) {
            // A pod with another configuration counts from its own ticks.
            pods.add(new Pod(i > 1 && chance(10) ? 1 : 0));
        }
    }

    /** Creates pods of one configuration on one server. */
    static ClockSimulation alike(long seed, int podCount) {
        ClockSimulation simulation = new ClockSimulation(seed, 0, 1);
        for (int i = 0; i < podCount; i++) {
            simulation.pods.add(simulation.new Pod(0));
        }
        return simulation;
    }

    /** Simulates a time with faults. */
    void trouble(long millis) {
        for (long end = now + millis; now < end; ) {
            step();
        }
    }

    /** Simulates a time without faults. */
    void calm(long millis) {
        calm = true;
        pods.forEach(pod -> pod.move(0));
        trouble(millis);
        calm = false;
    }

    /** Returns the positions that pods gave to two points. */
    List<String> violations() {
        return violations;
    }

    /**
     * Damages one in a number of messages on the way to the last pod; then its positions are not recorded, because no other
     * pod may have been there to detect the loss. With one in one, damages only the next message.
     */
    void damage(Damage damage, int oneIn) {
        anyDamage = true;
        pods.get(pods.size() - 1).damageNext(damage, oneIn);
    }

    /** Pods that detected that they differ from the majority, and when. */
    Map<Integer, Long> lost() {
        return lost;
    }

    /** Whether the last pod got a message that differs from what was published. */
    boolean damaged() {
        return pods.get(pods.size() - 1).damaged;
    }

    long now() {
        return now;
    }

    /** Returns the number of proven positions. */
    int names() {
        return names;
    }

    /** Returns the proven positions of the pods of a clock when all have read everything. */
    List<String> positions(int clock) {
        pods.forEach(pod -> pod.read(Integer.MAX_VALUE));
        return pods.stream()
                .filter(pod -> pod.clockName == clock)
                .map(pod -> String.valueOf(pod.clock.position()))
                .toList();
    }

    private void step() {
        now += STEP;
        for (int i = random.nextInt(FEW); i > 0; i--) {
            int server = calm ? 0 : random.nextInt(servers.size());
            publish(server, Message.publication(random.nextInt(), random.nextInt(MANY)));
        }
        for (int i = late.size() - 1; i >= 0; i--) {
            if (late.get(i).at <= now) {
                Late arrived = late.remove(i);
                publish(arrived.server, arrived.message);
            }
        }
        pods.forEach(Pod::step);
    }

    private void publish(int server, Message message) {
        List<Message> log = servers.get(server);
        log.add(message.behind(log));
    }

    private boolean chance(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    private final class Pod {

        private final int clockName;
        private Clock clock = new Clock(random.nextLong());

        /** All positions of one era, in the order of their ticks. */
        private final Deque<Name> unsure = new ArrayDeque<>();

        private @Nullable Damage damage;
        private int oneIn;
        private boolean damaged;
        private int server;
        private int read;
        private boolean linked;
        private long linkAt;
        private long stalledUntil;
        private long tickAt;
        private long foundAt;

        Pod(int clockName) {
            this.clockName = clockName;
            this.linkAt = random.nextLong(2 * INTERVAL);
            this.server = random.nextInt(servers.size());
        }

        void step() {
            if (!linked) {
                if (now >= linkAt) {
                    link();
                }
                return;
            }
            if (!calm && chance(1_000)) {
                cut();
                return;
            }
            if (!calm && chance(500)) {
                stalledUntil = now + random.nextLong(2 * SILENCE);
            }
            if (now >= stalledUntil || calm) {
                read(chance(FEW) ? random.nextInt(FEW) : MANY);
                tick();
            }
        }

        void move(int other) {
            if (server != other) {
                cut();
                server = other;
            }
            linkAt = Math.min(linkAt, now);
        }

        private void cut() {
            linked = false;
            linkAt = now + random.nextLong(2 * INTERVAL);
            if (!calm && chance(2)) {
                server = random.nextInt(servers.size());
            }
            // A restart of the pod is the same for its clock.
            clock.forget();
            unsure.clear();
            if (chance(FEW)) {
                clock = new Clock(random.nextLong());
            }
        }

        void damageNext(Damage next, int one) {
            damage = next;
            oneIn = one;
        }

        private void link() {
            linked = true;
            read = servers.get(server).size();
            heard();
            foundAt = now + SILENCE + jitter();
        }

        private void read(int most) {
            List<Message> log = servers.get(server);
            for (int i = 0; linked && i < most && read < log.size(); i++) {
                Message message = log.get(read++);
                Message next = read < log.size() ? log.get(read) : message;
                boolean hit = damage != null && chance(oneIn) && isHit(message, next);
                if (!hit) {
                    take(message);
                } else {
                    damage(message, next);
                }
            }
        }

        /** Whether the message is to be damaged; copies of ticks are not, because pods ignore them. */
        private boolean isHit(Message message, Message next) {
            return !isCopy(message)
                    && (damage != Damage.DOUBLED || message.isPublication())
                    && (damage != Damage.SWAPPED || (!message.equals(next) && !isCopy(next)));
        }

        private boolean isCopy(Message message) {
            Tick tick = message.tick;
            return tick != null
                    && servers.get(server).stream()
                            .filter(earlier -> earlier.tick != null
                                    && earlier.clock == message.clock
                                    && earlier.tick.number() == tick.number()
                                    && earlier.tick.era().equals(tick.era()))
                            .findFirst()
                            .filter(first -> !first.equals(message))
                            .isPresent();
        }

        private void damage(Message message, Message next) {
            damaged = true;
            if (damage == Damage.DOUBLED) {
                take(message);
                take(message);
            } else if (damage == Damage.SWAPPED) {
                read++;
                take(next);
                take(message);
            }
            if (oneIn == 1) {
                damage = null;
            }
        }

        private void take(Message message) {
            if (message.isPublication()) {
                clock.count(message.channel, message.length);
                vouch(message);
            } else if (message.clock == clockName) {
                if (message.tick != null) {
                    hear(message.tick, message);
                } else {
                    clock.hear(Objects.requireNonNull(message.summary));
                }
                Summary own = clock.takeSummary();
                if (own != null) {
                    publish(null, own);
                    heard();
                }
            }
        }

        private void hear(Tick tick, Message message) {
            boolean vouched = clock.vouches();
            Era era = vouched ? Objects.requireNonNull(clock.position()).era() : null;
            Clock.Heard heard = clock.hear(tick);
            foundAt = now + SILENCE + jitter();
            if (heard == Clock.Heard.LOST) {
                lost.put(pods.indexOf(this), now);
                unsure.removeIf(name -> name.position.tick() >= clock.lostAfter());
                name(Long.MAX_VALUE);
            } else if (heard == Clock.Heard.ADOPTED && vouched && !tick.era().equals(era)) {
                // A loss at the end of the other era stays undetected, and no client resumes there from this pod.
                unsure.clear();
            }
            if (heard != Clock.Heard.IGNORED) {
                heard();
                vouch(message);
            }
        }

        private void vouch(Message message) {
            Position position = clock.position();
            if (position != null) {
                unsure.add(new Name(position, new Point(server, message.published)));
                name(damaged ? position.tick() - UNSURE : Long.MAX_VALUE);
            }
        }

        /** Records the positions up to that tick as heard without loss. */
        private void name(long tick) {
            while (!unsure.isEmpty() && unsure.getFirst().position.tick() <= tick) {
                name(unsure.removeFirst());
            }
        }

        private void name(Name name) {
            if (damage != null) {
                return;
            }
            names++;
            // Without the nonce, because some clients can keep only an era and a number.
            Position position = name.position;
            Point known = named.putIfAbsent(
                    anyDamage ? position : new Position(position.era(), position.offset(), 0), name.point);
            if (known != null && !known.equals(name.point)) {
                violations.add(position + " is " + known + " and " + name.point);
            }
        }

        private void tick() {
            if (clock.vouches()) {
                if (now >= tickAt) {
                    publish(clock.next(nonce()), null);
                    heard();
                }
            } else if (now >= foundAt) {
                publish(new Tick(new Era(now, random.nextInt()), 1, nonce(), 0, null), null);
                foundAt = now + SILENCE + jitter();
            }
        }

        private void publish(@Nullable Tick tick, @Nullable Summary summary) {
            long delay = calm || !chance(10) ? random.nextLong(2 * STEP) : random.nextLong(2 * SILENCE);
            late.add(new Late(now + delay, server, new Message(tick, summary, clockName, 0, 0, 0)));
        }

        private void heard() {
            tickAt = now + (clock.votes() ? INTERVAL / 2 : INTERVAL) + jitter();
        }

        /** Returns a small jitter, so that pods often publish at the same time. */
        private long jitter() {
            return random.nextLong(FEW * STEP);
        }

        private long nonce() {
            return ++nonces;
        }
    }
}
