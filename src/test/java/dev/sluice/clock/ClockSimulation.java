package dev.sluice.clock;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Several pods on one or two servers, and what may happen to them: links that are cut and renewed, to the same server or
 * another, pods that read late, ticks that are published late or at once, pods that start anew, and pods of another
 * configuration. Time is simulated; all chance comes from the seed.
 */
final class ClockSimulation {

    static final long INTERVAL = 1_000;
    static final long SILENCE = 3 * INTERVAL;

    private static final long STEP = 10;
    private static final int FEW = 3;
    private static final int MANY = 200;

    private final Random random;
    private final List<List<Message>> servers = new ArrayList<>();
    private final List<Pod> pods = new ArrayList<>();
    private final List<Late> late = new ArrayList<>();

    /** What each position that a pod has vouched for means. */
    private final Map<String, String> named = new HashMap<>();

    private final List<String> violations = new ArrayList<>();
    private long now;
    private long nonces;
    private int names;
    private boolean calm;

    /**
     * What a server has published: a tick of the clock of that name, or something else.
     *
     * @param published messages that are no ticks, up to and with this one
     */
    private record Message(@Nullable Tick tick, int clock, int channel, int length, int published) {

        Message behind(List<Message> log) {
            int before = log.isEmpty() ? 0 : log.get(log.size() - 1).published;
            return new Message(tick, clock, channel, length, tick == null ? before + 1 : before);
        }
    }

    /** A tick on its way to a server. */
    private record Late(long at, int server, Message message) {}

    ClockSimulation(long seed, int podCount, int serverCount) {
        random = new Random(seed);
        for (int i = 0; i < serverCount; i++) {
            servers.add(new ArrayList<>());
        }
        for (int i = 0; i < podCount; i++) {
            // A pod of another configuration counts from ticks of its own.
            pods.add(new Pod(i > 1 && chance(10) ? 1 : 0));
        }
    }

    /** So many milliseconds of trouble. */
    void trouble(long millis) {
        for (long end = now + millis; now < end; ) {
            step();
        }
    }

    /** So many in which nothing is cut, late or published at another server. */
    void calm(long millis) {
        calm = true;
        pods.forEach(pod -> pod.move(0));
        trouble(millis);
        calm = false;
    }

    /** Names that pods have given two points. */
    List<String> violations() {
        return violations;
    }

    /** Positions that pods have vouched for. */
    int names() {
        return names;
    }

    /** What the pods of a clock vouch for, once all have read everything. */
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
            publish(server, new Message(null, 0, random.nextInt(), random.nextInt(MANY), 0));
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
        private Clock clock = new Clock();
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
            // It may also have started anew, which is the same to its clock.
            clock.forget();
            if (chance(FEW)) {
                clock = new Clock();
            }
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
                if (message.tick == null) {
                    clock.count(message.channel, message.length);
                    vouch();
                } else if (message.clock == clockName) {
                    hear(message.tick);
                }
            }
        }

        private void hear(Tick tick) {
            Clock.Heard heard = clock.hear(tick);
            foundAt = now + SILENCE + jitter();
            if (heard == Clock.Heard.DIFFERENT) {
                violations.add("different at " + tick);
            }
            if (heard != Clock.Heard.IGNORED) {
                heard();
                vouch();
            }
        }

        private void vouch() {
            Position position = clock.position();
            if (position != null) {
                names++;
                String point = server + ":" + servers.get(server).get(read - 1).published;
                // Without the nonce: some clients can only keep an era and a number.
                String known = named.putIfAbsent(position.era() + "." + position.offset(), point);
                if (known != null && !known.equals(point)) {
                    violations.add(position + " is " + known + " and " + point);
                }
            }
        }

        private void tick() {
            if (clock.vouches()) {
                if (now >= tickAt) {
                    publish(clock.next(nonce()));
                    heard();
                }
            } else if (now >= foundAt) {
                publish(new Tick(new Era(now, random.nextInt()), 1, nonce(), 0, null));
                foundAt = now + SILENCE + jitter();
            }
        }

        private void publish(@Nullable Tick tick) {
            long delay = calm || !chance(10) ? random.nextLong(2 * STEP) : random.nextLong(2 * SILENCE);
            late.add(new Late(now + delay, server, new Message(tick, clockName, 0, 0, 0)));
        }

        private void heard() {
            tickAt = now + INTERVAL + jitter();
        }

        /** Little, so that pods often publish at once. */
        private long jitter() {
            return random.nextLong(FEW * STEP);
        }

        private long nonce() {
            return ++nonces;
        }
    }
}
