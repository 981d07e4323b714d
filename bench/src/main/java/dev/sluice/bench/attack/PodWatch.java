package dev.sluice.bench.attack;

import dev.sluice.bench.account.Books;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Waiting;
import dev.sluice.harness.attack.Attack;
import dev.sluice.harness.attack.Attackers.Tally;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Watches a pod during an attack: what it counts, its CPU time, its memory, its probes, and what it should not log. Times are
 * {@link Books#now}.
 */
final class PodWatch {

    /** How long to wait until nothing is left of an attack: more than any time limit of the pod. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final Duration INTERVAL = Duration.ofMillis(100);

    /** The request for metrics may use another connection than before. */
    private static final int FILES = 1;

    private final Pod pod;
    private final PodMetrics before;
    private final long filesBefore;
    private final long residentBefore;
    private final long begin;
    private final List<String> alarms = new ArrayList<>();
    private long residentAtMost;
    private long counted;
    private long cpuBefore;
    private long end;
    private double cores;
    private long done;
    private Optional<Duration> gone = Optional.empty();
    private Map<String, Long> reactions = Map.of();

    /** To be made just before the attack begins. */
    PodWatch(AttackedPod attacked) {
        pod = attacked.pod();
        before = PodMetrics.of(pod);
        filesBefore = pod.openFiles();
        residentBefore = pod.residentMemory();
        residentAtMost = residentBefore;
        begin = Books.now();
    }

    /** Measures the pod's memory again and again for this time; meanwhile its probes must succeed. */
    void measure(Duration time) {
        long failed = 0;
        long until = System.nanoTime() + time.toNanos();
        while (System.nanoTime() < until) {
            residentAtMost = Math.max(residentAtMost, pod.residentMemory());
            failed += isHealthy() ? 0 : 1;
            Waiting.sleep(INTERVAL);
        }
        if (failed > 0) {
            alarms.add(failed + " probes were not answered with 200 twice during the attack");
        }
    }

    /** From now on latencies and CPU time count. */
    void countTimes() {
        cpuBefore = pod.process().cpuNanos();
        counted = Books.now();
    }

    /** Lets the attack go on until the pod shows this reaction, as a slow machine needs longer to exceed a limit. */
    void awaitReaction(String reaction, Tally attackers) {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (!reaction.isEmpty() && !reactionsTo(attackers).containsKey(reaction) && System.nanoTime() < until) {
            Waiting.sleep(INTERVAL);
        }
    }

    /** Only what the attackers have done until now counts, and the CPU time until now. */
    void end(Tally attackers) {
        end = Books.now();
        cores = (double) (pod.process().cpuNanos() - cpuBefore) / (end - counted);
        done = attackers.done();
    }

    /** Returns when nothing of the attack is left, or too late. */
    void awaitRecovery(Tally attackers) {
        List<String> left = remains();
        while (!left.isEmpty() && Books.now() - end < PATIENCE.toNanos()) {
            Waiting.sleep(INTERVAL);
            left = remains();
        }
        if (left.isEmpty()) {
            gone = Optional.of(Duration.ofNanos(Books.now() - end));
        }
        alarms.addAll(left);
        reactions = reactionsTo(attackers);
    }

    private List<String> remains() {
        long open = pod.openFiles();
        return open > filesBefore + FILES
                ? List.of("%d files are open, and %d were".formatted(open, filesBefore))
                : PodMetrics.of(pod).remains(before);
    }

    private Map<String, Long> reactionsTo(Tally attackers) {
        Map<String, Long> seen = new TreeMap<>(PodMetrics.of(pod).since(before));
        attackers.answers().forEach((answer, count) -> seen.put("answers " + answer, count));
        return seen;
    }

    /** Raises an alarm if the pod has logged what no client should be able to cause, or if a probe fails. */
    void checkPod() {
        pod.logWithoutSlowTasks()
                .lines()
                .filter(line -> line.contains(" ERROR ") || line.contains("OutOfMemory") || line.startsWith("\tat "))
                .limit(5)
                .forEach(alarms::add);
        if (!isHealthy()) {
            alarms.add("a probe of the pod fails");
        }
    }

    /** Whether its probes succeed. A second attempt counts: the machine may pause, and a kubelet ignores a single failure. */
    private boolean isHealthy() {
        return areProbesAnswered() || areProbesAnswered();
    }

    private boolean areProbesAnswered() {
        return HttpServerProcess.isReady(pod.http("/q/health/ready"))
                && HttpServerProcess.isReady(pod.http("/q/health/live"));
    }

    /**
     * What it saw, and what the books say.
     *
     * @param calm the time from which latencies before the attack count
     */
    AttackFinding finding(Attack attack, long calm, Books books) {
        alarms.addAll(books.surprises());
        return new AttackFinding(
                attack,
                Duration.ofNanos(end - begin),
                done,
                reactions,
                books.audit(),
                books.latencies(calm, begin),
                books.latencies(begin, counted),
                books.latencies(counted, end),
                residentBefore,
                residentAtMost,
                cores,
                gone,
                alarms);
    }

    /**
     * The metrics of a pod at one moment.
     *
     * @param values by their names and tags, as Prometheus writes them
     */
    record PodMetrics(Map<String, Double> values) {

        private static final Pattern COUNTER =
                Pattern.compile("sluice_(refused|disconnects|auth_failures)_total\\{(?:limit|reason)=\"(.*)\"}");

        private static PodMetrics of(Pod pod) {
            return read(String.join("\n", pod.metrics()));
        }

        /** Parses Prometheus's format, and keeps the metrics of Sluice. */
        static PodMetrics read(String text) {
            Map<String, Double> values = new HashMap<>();
            text.lines().filter(line -> line.startsWith("sluice_")).forEach(line -> {
                int space = line.lastIndexOf(' ');
                values.put(line.substring(0, space), Double.parseDouble(line.substring(space + 1)));
            });
            return new PodMetrics(values);
        }

        /** The increases of counters of refusals, disconnects and failed authentications, by counter and limit or reason. */
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

        /** The gauges of connections, subscriptions and queues that differ; empty if none does. */
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
