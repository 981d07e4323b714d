package dev.sluice.bench.attack;

import dev.sluice.bench.account.Time;
import dev.sluice.bench.attack.AttackPage.Entry;
import dev.sluice.bench.attack.Attackers.Tally;
import dev.sluice.bench.attack.Talkers.Resumers;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.Traffic;
import dev.sluice.harness.Pod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Lets one attack loose on a pod while publications flow to others, and looks at what those and the pod make of it. */
final class AttackTrial {

    /** Until an attack is over for the pod as well; longer than any of its own time limits. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final Duration LOOK = Duration.ofMillis(100);

    /** The connection by which its metrics are asked for may be another one than before. */
    private static final int FILES = 1;

    private final Attack attack;
    private final Times times;
    private final AttackedPod attacked;
    private final Traffic traffic;
    private final String since;
    private final List<String> alarms = new ArrayList<>();

    /**
     * How long everything takes.
     *
     * @param warmUp of the pod, by publications to the others
     * @param calm the time before the attack that counts
     * @param onset the beginning of the attack, in which the JVM compiles what only the attack makes the pod run; losses in
     *     it count, times do not
     * @param attack how long the attack lasts after that
     */
    record Times(Duration warmUp, Duration calm, Duration onset, Duration attack) {}

    private AttackTrial(Attack attack, Times times, AttackedPod attacked, Traffic traffic, String since) {
        this.attack = attack;
        this.times = times;
        this.attacked = attacked;
        this.traffic = traffic;
        this.since = since;
    }

    static Entry run(Attack attack, Times times, Load load, Path jar, Path logs) {
        try (AttackedPod attacked = AttackedPod.set(attack, jar, logs);
                Traffic traffic = new Traffic(
                        load, attacked.entrance(), attacked.redis()::address, new Random(attack.ordinal()))) {
            traffic.open();
            traffic.publish();
            String since = attack.resumes() ? Resumers.position(attacked.entrance()) : "";
            Waiting.sleep(attack.resumes() ? Resumers.ABSENCE : times.warmUp());
            return new AttackTrial(attack, times, attacked, traffic, since).run();
        }
    }

    private Entry run() {
        long calm = Time.now();
        Waiting.sleep(times.calm());
        PodMetrics before = attacked.metrics();
        long files = attacked.pod().openFiles();
        long resident = attacked.pod().residentMemory();
        long begin = Time.now();
        try (Attackers attackers = Attackers.begin(attack, attacked.entrance(), since)) {
            long mostAtOnset = mostResident(times.onset());
            long cpu = attacked.pod().process().cpuNanos();
            long counted = Time.now();
            long mostResident = Math.max(mostAtOnset, mostResident(times.attack()));
            long end = Time.now();
            double cores = (double) (attacked.pod().process().cpuNanos() - cpu) / (end - counted);
            long done = attackers.tally().done();
            attackers.stop();
            Optional<Duration> gone = untilQuiet(before, files, end);
            Map<String, Long> reactions = reactions(before, attackers.tally());
            traffic.finish();
            checkPod();
            return traffic.books(books -> new Entry(
                    attack,
                    Duration.ofNanos(end - begin),
                    done,
                    reactions,
                    books.audit(),
                    books.latencies(calm, begin),
                    books.latencies(begin, counted),
                    books.latencies(counted, end),
                    resident,
                    Math.max(resident, mostResident),
                    cores,
                    gone,
                    alarms));
        }
    }

    /** The most memory of the pod while it lasts; probes go on meanwhile. */
    private long mostResident(Duration within) {
        long most = 0;
        long failed = 0;
        long end = System.nanoTime() + within.toNanos();
        while (System.nanoTime() < end) {
            most = Math.max(most, attacked.pod().residentMemory());
            failed += attacked.isHealthy() ? 0 : 1;
            Waiting.sleep(LOOK);
        }
        if (failed > 0) {
            alarms.add(failed + " probes were not answered with 200 during the attack");
        }
        return most;
    }

    private Optional<Duration> untilQuiet(PodMetrics before, long files, long end) {
        while (Time.now() - end < PATIENCE.toNanos()) {
            if (remains(before, files).isEmpty()) {
                return Optional.of(Duration.ofNanos(Time.now() - end));
            }
            Waiting.sleep(LOOK);
        }
        alarms.addAll(remains(before, files));
        return Optional.empty();
    }

    private List<String> remains(PodMetrics before, long files) {
        long open = attacked.pod().openFiles();
        return open > files + FILES
                ? List.of("%d files are open, and %d were".formatted(open, files))
                : attacked.metrics().remains(before);
    }

    private Map<String, Long> reactions(PodMetrics before, Tally tally) {
        Map<String, Long> reactions = new TreeMap<>(attacked.metrics().since(before));
        tally.answers().forEach((answer, count) -> reactions.put("answers " + answer, count));
        return reactions;
    }

    private void checkPod() {
        alarms.addAll(attacked.alarms());
        alarms.addAll(traffic.surprises());
        if (!attacked.isHealthy()) {
            alarms.add("the pod says that it is not well");
        }
    }

    /**
     * What a pod's metrics said at one moment.
     *
     * @param values by their names and tags, as Prometheus writes them
     */
    record PodMetrics(Map<String, Double> values) {

        private static final Pattern COUNTER =
                Pattern.compile("sluice_(refused|disconnects|auth_failures)_total\\{(?:limit|reason)=\"(.*)\"}");

        static PodMetrics of(Pod pod) {
            return read(String.join("\n", pod.metrics()));
        }

        /** Those of Sluice's own in Prometheus's text. */
        static PodMetrics read(String text) {
            Map<String, Double> values = new HashMap<>();
            text.lines().filter(line -> line.startsWith("sluice_")).forEach(line -> {
                int space = line.lastIndexOf(' ');
                values.put(line.substring(0, space), Double.parseDouble(line.substring(space + 1)));
            });
            return new PodMetrics(values);
        }

        /** What it has refused, cut off and not believed since, by what is counted and the limit or reason. */
        Map<String, Long> since(PodMetrics before) {
            Map<String, Long> counted = new TreeMap<>();
            values.forEach((name, value) -> {
                Matcher counter = COUNTER.matcher(name);
                long more = Math.round(value - before.values.getOrDefault(name, 0.0));
                if (counter.matches() && more > 0) {
                    counted.put(counter.group(1) + " " + counter.group(2), more);
                }
            });
            return counted;
        }

        /** What is different from then, in words: who is here that was not, and what waits; empty where nothing does. */
        List<String> remains(PodMetrics before) {
            return Stream.of(
                            "sluice_connections{state=\"unauthenticated\"}",
                            "sluice_connections{state=\"authenticated\"}",
                            "sluice_users",
                            "sluice_subscriptions",
                            "sluice_outbox_pending_bytes",
                            "sluice_inbound_pending_bytes")
                    .filter(name -> !Objects.equals(values.get(name), before.values.get(name)))
                    .map(name -> "%s is %s and was %s".formatted(name, values.get(name), before.values.get(name)))
                    .toList();
        }
    }
}
