package dev.sluice.bench.attack;

import dev.sluice.bench.options.Arguments;
import dev.sluice.bench.options.Arguments.Wrong;
import dev.sluice.bench.options.Program;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.traffic.Load;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Runs each attack once, and writes down what other clients noticed. bench/attack starts it. */
public final class Attacks {

    private static final String JAR = "target/quarkus-app/quarkus-run.jar";
    private static final String LOGS = "bench/target/attack";

    /** Well-behaved clients. */
    static final int CLIENTS = 200;

    private static final Trial.Times FULL = new Trial.Times(
            Duration.ofSeconds(8), Duration.ofSeconds(5), Duration.ofSeconds(10), Duration.ofSeconds(10));
    private static final Trial.Times QUICK =
            new Trial.Times(Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ZERO, Duration.ofSeconds(2));

    private final AttackOptions options;
    private final Path root;
    private final List<Entry> entries = new ArrayList<>();
    private boolean clean = true;

    private Attacks(AttackOptions options, Path root) {
        this.options = options;
        this.root = root;
    }

    public static void main(String[] arguments) throws IOException {
        Program.run("bench/attack", Attacks::run, arguments);
    }

    private static boolean run(Arguments arguments) throws Wrong, IOException {
        Path home = Path.of(System.getProperty("bench.home"));
        AttackOptions options = AttackOptions.parse(arguments);
        return options.check() || new Attacks(options, home.getParent()).run();
    }

    /** @return whether no other client was harmed */
    private boolean run() throws IOException {
        Machine machine = Machine.here(root, Scene.FLAGS);
        for (Attack attack : options.attacks()) {
            System.out.printf("%-18s ", attack.id());
            System.out.flush();
            attack(attack);
        }
        Path target = Files.createDirectories(root.resolve(LOGS));
        boolean valid = options.isComplete() && clean;
        Path file = valid ? root.resolve("docs/attacks.md") : target.resolve("attacks.md");
        Document document = new Document(machine, entries);
        Files.writeString(file, document.markdown());
        Files.writeString(
                valid ? root.resolve("bench/results/attacks.md") : target.resolve("results.md"), document.results());
        System.out.println((clean ? "all clients received everything: " : "OTHER CLIENTS WERE HARMED: ") + file);
        return clean;
    }

    private void attack(Attack attack) throws IOException {
        Path logs = Files.createDirectories(root.resolve(LOGS).resolve(attack.id()));
        try {
            Trial.Times times = options.quick() ? QUICK : FULL;
            Entry entry = Trial.run(attack, times, Load.of(CLIENTS), root.resolve(JAR), logs);
            entries.add(entry);
            System.out.println(Document.summary(entry));
            for (String objection : entry.objections()) {
                clean = false;
                System.out.println("    " + objection);
            }
        } catch (RuntimeException | AssertionError e) {
            clean = false;
            System.out.println("FAILED: " + e + " (logs: " + logs + ")");
        }
    }
}
