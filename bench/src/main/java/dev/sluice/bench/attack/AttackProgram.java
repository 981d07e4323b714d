package dev.sluice.bench.attack;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.process.Check;
import dev.sluice.bench.trial.Traffic;
import dev.sluice.bench.trial.Traffic.Load;
import dev.sluice.harness.Waiting;
import dev.sluice.harness.attack.Attack;
import dev.sluice.harness.attack.Attackers;
import dev.sluice.harness.attack.Attackers.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
        List<AttackFinding> findings = attemptEach(attacks, this::attack);
        boolean complete = attacks.size() == Attack.values().length;
        return publish(findings, complete, "all other clients received everything", "OTHER CLIENTS WERE HARMED");
    }

    /** Attacks a pod while it delivers publications to other clients, and measures what they and the pod do. */
    private AttackFinding attack(Attack attack, Path logs) {
        try (AttackedPod pod = AttackedPod.start(attack, jar(), logs);
                Traffic traffic = new Traffic(
                        Load.of(clients()), pod.entrance(), channel -> pod.redis()::address, random(attack))) {
            traffic.open();
            traffic.publish();
            Target target = pod.target(attack);
            Waiting.sleep(attack.resumes() ? Attack.ABSENCE : duration(8, 1));
            long calm = Books.now();
            Waiting.sleep(duration(5, 1));
            PodWatch watch = new PodWatch(pod);
            try (Attackers attackers = Attackers.begin(attack, target)) {
                // Meanwhile the JVM compiles what only the attack makes the pod run; losses count, times do not.
                watch.measure(duration(10, 0));
                watch.countTimes();
                watch.measure(duration(10, 2));
                watch.awaitReaction(attack.proof(), attackers.tally());
                watch.end(attackers.tally());
                attackers.stop();
                watch.awaitRecovery(attackers.tally());
                traffic.finish();
                watch.checkPod();
                return traffic.books(books -> watch.finding(attack, calm, books));
            }
        }
    }
}
