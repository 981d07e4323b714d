package dev.sluice.bench.attack;

import dev.sluice.bench.attack.AttackPage.Entry;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.traffic.Load;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs each attack once, and writes down what other clients noticed. bench/attack starts it. */
@Command(name = "bench/attack")
public final class AttackProgram extends Program {

    /** Well-behaved clients. */
    static final int CLIENTS = 200;

    private static final AttackTrial.Times FULL = new AttackTrial.Times(
            Duration.ofSeconds(8), Duration.ofSeconds(5), Duration.ofSeconds(10), Duration.ofSeconds(10));
    private static final AttackTrial.Times SHORT =
            new AttackTrial.Times(Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ZERO, Duration.ofSeconds(2));

    private static final Set<Attack> QUICK =
            EnumSet.of(Attack.FLOOD_OF_QUESTIONS, Attack.SILENT_SOCKETS, Attack.STORM_OF_CONNECTS, Attack.API_RUBBISH);

    @Option(names = "--only", split = COMMA)
    private Set<Attack> only = EnumSet.noneOf(Attack.class);

    private final List<Entry> entries = new ArrayList<>();
    private boolean clean = true;

    public static void main(String[] arguments) {
        start(new AttackProgram(), arguments);
    }

    @Override
    protected boolean run() throws IOException {
        Machine machine = Machine.here(root(), AttackedPod.FLAGS);
        Set<Attack> all = EnumSet.allOf(Attack.class);
        Set<Attack> attacks = only.isEmpty() ? quick ? QUICK : all : EnumSet.copyOf(only);
        for (Attack attack : attacks) {
            System.out.printf("%-18s ", attack);
            System.out.flush();
            attack(attack);
        }
        boolean valid = clean && !quick && attacks.equals(all);
        Path file = valid ? root().resolve("docs/attacks.md") : logs().resolve("attacks.md");
        AttackPage page = new AttackPage(machine, entries);
        Files.writeString(file, page.markdown());
        Files.writeString(valid ? home().resolve("results/attacks.md") : logs().resolve("results.md"), page.results());
        System.out.println((clean ? "all clients received everything: " : "OTHER CLIENTS WERE HARMED: ") + file);
        return clean;
    }

    private void attack(Attack attack) throws IOException {
        Path logs = Files.createDirectories(logs().resolve(attack.toString()));
        try {
            Entry entry = AttackTrial.run(attack, quick ? SHORT : FULL, Load.of(CLIENTS), jar(), logs);
            entries.add(entry);
            System.out.println(AttackPage.summary(entry));
            for (String objection : entry.objections()) {
                clean = false;
                System.out.println("    " + objection);
            }
        } catch (RuntimeException | AssertionError e) {
            clean = false;
            System.out.println("FAILED: " + e + " (logs: " + logs + ")");
        }
    }

    private static Path logs() {
        return home().resolve("target/attack");
    }
}
