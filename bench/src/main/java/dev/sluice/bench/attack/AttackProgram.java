package dev.sluice.bench.attack;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.attack.AttackedPod.PodMetrics;
import dev.sluice.bench.process.Check;
import dev.sluice.bench.trial.Traffic;
import dev.sluice.bench.trial.Traffic.Load;
import dev.sluice.harness.Waiting;
import dev.sluice.harness.attack.Attack;
import dev.sluice.harness.attack.Attackers;
import dev.sluice.harness.attack.Attackers.Tally;
import dev.sluice.harness.attack.Attackers.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs each attack once, and writes what other clients noticed. bench/attack starts it. */
@Command(
        name = "bench/attack",
        description = {
            "Attacks a pod in one way after the other, measures what its other 200 clients notice, and writes"
                    + " bench/results/results.md in about 20 minutes. Needs two cores and util-linux.",
            "Fails if another client missed something, or if something of an attack remains."
        })
public final class AttackProgram extends Check<AttackFinding> {

    private static final AttackTrial.Times FULL = new AttackTrial.Times(
            Duration.ofSeconds(8), Duration.ofSeconds(5), Duration.ofSeconds(10), Duration.ofSeconds(10));
    private static final AttackTrial.Times SHORT =
            new AttackTrial.Times(Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ZERO, Duration.ofSeconds(2));

    private static final Set<Attack> FEW =
            EnumSet.of(Attack.FLOOD_OF_QUESTIONS, Attack.SILENT_SOCKETS, Attack.STORM_OF_CONNECTS, Attack.API_RUBBISH);

    @Option(
            names = "--only",
            split = COMMA,
            splitSynopsisLabel = ",",
            paramLabel = "ATTACK",
            description = "only these, with the results in bench/target; a wrong name lists them")
    private Set<Attack> only = EnumSet.noneOf(Attack.class);

    public AttackProgram() {
        super(200, 200, 1500);
    }

    public static void main(String[] arguments) {
        start(new AttackProgram(), arguments);
    }

    @Override
    protected Map<String, Writer<AttackFinding>> pages() {
        return Map.of(RESULTS, AttackFinding::write);
    }

    @Override
    protected boolean run() throws IOException {
        Set<Attack> attacks = cases(EnumSet.allOf(Attack.class), only, FEW);
        List<AttackFinding> findings = new ArrayList<>();
        AttackTrial.Times times = quick ? SHORT : FULL;
        for (Attack attack : attacks) {
            attempt(attack.toString(), logs -> AttackTrial.run(attack, times, Load.of(clients()), seed, jar(), logs))
                    .ifPresent(findings::add);
        }
        boolean complete = attacks.size() == Attack.values().length;
        return publish(findings, complete, "all other clients received everything", "OTHER CLIENTS WERE HARMED");
    }

    /** Attacks a pod while it delivers publications to other clients, and measures what they and the pod do. */
    static final class AttackTrial {

        /** How long to wait until nothing is left of an attack: more than any time limit of the pod. */
        private static final Duration PATIENCE = Duration.ofSeconds(30);

        private static final Duration LOOK = Duration.ofMillis(100);

        /** The request for metrics may use another connection than before. */
        private static final int FILES = 1;

        private final Attack attack;
        private final Times times;
        private final AttackedPod attacked;
        private final Traffic traffic;
        private final Target target;
        private final List<String> alarms = new ArrayList<>();

        /**
         * The durations of the parts of a trial.
         *
         * @param warmUp of the pod, by publications to the others
         * @param calm the time before the attack that counts
         * @param onset the beginning of the attack, in which the JVM compiles what only the attack makes the pod run; losses in
         *     it count, times do not
         * @param attack how long the attack lasts after that
         */
        record Times(Duration warmUp, Duration calm, Duration onset, Duration attack) {}

        private AttackTrial(Attack attack, Times times, AttackedPod attacked, Traffic traffic, Target target) {
            this.attack = attack;
            this.times = times;
            this.attacked = attacked;
            this.traffic = traffic;
            this.target = target;
        }

        static AttackFinding run(Attack attack, Times times, Load load, long seed, Path jar, Path logs) {
            try (AttackedPod attacked = AttackedPod.start(attack, jar, logs);
                    Traffic traffic = new Traffic(
                            load,
                            attacked.entrance(),
                            channel -> attacked.redis()::address,
                            new Random(seed + attack.ordinal()))) {
                traffic.open();
                traffic.publish();
                Target target = attacked.target("");
                if (attack.resumes()) {
                    target = attacked.target(Attackers.position(target));
                }
                Waiting.sleep(attack.resumes() ? Attack.ABSENCE : times.warmUp());
                return new AttackTrial(attack, times, attacked, traffic, target).run();
            }
        }

        private AttackFinding run() {
            long calm = Books.now();
            Waiting.sleep(times.calm());
            PodMetrics before = attacked.metrics();
            long files = attacked.pod().openFiles();
            long resident = attacked.pod().residentMemory();
            long begin = Books.now();
            try (Attackers attackers = Attackers.begin(attack, target)) {
                long mostAtOnset = mostResident(times.onset());
                long cpu = attacked.pod().process().cpuNanos();
                long counted = Books.now();
                long mostResident = Math.max(mostAtOnset, mostResident(times.attack()));
                awaitProof(before, attackers);
                long end = Books.now();
                double cores = (double) (attacked.pod().process().cpuNanos() - cpu) / (end - counted);
                long done = attackers.tally().done();
                attackers.stop();
                Optional<Duration> gone = untilQuiet(before, files, end);
                Map<String, Long> reactions = reactions(before, attackers.tally());
                traffic.finish();
                checkPod();
                return traffic.books(books -> new AttackFinding(
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

        /** The most memory of the pod within this time; meanwhile its probes must succeed. */
        private long mostResident(Duration within) {
            long most = 0;
            long failed = 0;
            long end = System.nanoTime() + within.toNanos();
            while (System.nanoTime() < end) {
                most = Math.max(most, attacked.pod().residentMemory());
                // Twice, as a kubelet restarts a pod only after several failures: the machine may pause.
                failed += attacked.isHealthy() || attacked.isHealthy() ? 0 : 1;
                Waiting.sleep(LOOK);
            }
            if (failed > 0) {
                alarms.add(failed + " probes were not answered with 200 twice during the attack");
            }
            return most;
        }

        /** Lets the attack go on until it shows, as a slow machine needs longer to exceed a limit. */
        private void awaitProof(PodMetrics before, Attackers attackers) {
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (!attack.proof().isEmpty()
                    && !reactions(before, attackers.tally()).containsKey(attack.proof())
                    && System.nanoTime() < end) {
                Waiting.sleep(LOOK);
            }
        }

        private Optional<Duration> untilQuiet(PodMetrics before, long files, long end) {
            while (Books.now() - end < PATIENCE.toNanos()) {
                if (remains(before, files).isEmpty()) {
                    return Optional.of(Duration.ofNanos(Books.now() - end));
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
            alarms.addAll(traffic.books(Books::surprises));
            if (!attacked.isHealthy() && !attacked.isHealthy()) {
                alarms.add("a probe of the pod fails");
            }
        }
    }
}
