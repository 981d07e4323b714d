package dev.sluice.bench.attack;

import dev.sluice.bench.attack.Document.Entry;
import dev.sluice.bench.process.Arguments;
import dev.sluice.bench.process.Arguments.Wrong;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.traffic.Load;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

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

    /**
     * What the command line asks for; bench/attack --help explains it.
     *
     * @param check only whether the command line makes sense
     * @param quick few attacks and short ones, to see that everything works
     */
    record AttackOptions(boolean check, boolean quick, Set<Attack> attacks) {

        private static final Set<Attack> QUICK = EnumSet.of(
                Attack.FLOOD_OF_QUESTIONS, Attack.SILENT_SOCKETS, Attack.STORM_OF_CONNECTS, Attack.API_RUBBISH);

        static AttackOptions parse(Arguments arguments) throws Wrong {
            boolean check = false;
            boolean quick = false;
            Set<Attack> attacks = Set.of();
            while (!arguments.isEmpty()) {
                String option = arguments.next();
                switch (option) {
                    case "--check" -> check = true;
                    case "--quick" -> quick = true;
                    case "--only" -> attacks = attacks(arguments.value(option));
                    default -> throw new Wrong("there is no option " + option);
                }
            }
            if (attacks.isEmpty()) {
                attacks = quick ? QUICK : EnumSet.allOf(Attack.class);
            }
            return new AttackOptions(check, quick, attacks);
        }

        /** Whether what comes out may stand for the whole. */
        boolean isComplete() {
            return !quick && attacks.size() == Attack.values().length;
        }

        private static Set<Attack> attacks(String value) throws Wrong {
            Set<Attack> attacks = EnumSet.noneOf(Attack.class);
            for (String id : value.split(",")) {
                attacks.add(Arrays.stream(Attack.values())
                        .filter(attack -> attack.id().equals(id.strip()))
                        .findFirst()
                        .orElseThrow(() -> new Wrong("there is no attack " + id + "; there are " + ids())));
            }
            return attacks;
        }

        private static String ids() {
            return Arrays.stream(Attack.values()).map(Attack::id).collect(Collectors.joining(", "));
        }
    }
}
