package dev.sluice.bench.rollout;

import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.options.Arguments;
import dev.sluice.bench.options.Arguments.Wrong;
import dev.sluice.bench.options.Program;
import dev.sluice.bench.report.Figures;
import dev.sluice.bench.report.Machine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Rehearses a rolling update, and writes down what clients saw of it. bench/rollout starts it. */
public final class Rollout {

    private static final String JAR = "target/quarkus-app/quarkus-run.jar";
    private static final String LOGS = "bench/target/rollout";
    private static final String DOCUMENT = "rollout.md";

    private Rollout() {}

    public static void main(String[] arguments) throws IOException {
        Program.run("bench/rollout", Rollout::run, arguments);
    }

    private static boolean run(Arguments arguments) throws Wrong, IOException {
        RolloutOptions options = RolloutOptions.parse(arguments);
        return options.check()
                || rehearse(options, Path.of(System.getProperty("bench.home")).getParent());
    }

    /** @return whether clients saw nothing they should not */
    private static boolean rehearse(RolloutOptions options, Path root) throws IOException {
        Machine machine = Machine.here(root, List.of());
        Path logs = Files.createDirectories(root.resolve(LOGS));
        try {
            System.out.printf("replacing %d pods under %,d clients%n", options.pods(), options.clients());
            Outcome outcome = Rehearsal.run(options, root.resolve(JAR), logs);
            boolean clean = outcome.objections().isEmpty();
            Path directory = options.isComplete() && clean ? root.resolve("docs") : logs;
            Path file = directory.resolve(DOCUMENT);
            Files.writeString(file, new Document(machine, options, outcome).markdown());
            System.out.println(summary(outcome));
            outcome.objections().forEach(objection -> System.out.println("    " + objection));
            System.out.println((clean ? "nobody was hurt: " : "IT IS NOT WELL: ") + file);
            return clean;
        } catch (RuntimeException | AssertionError e) {
            System.out.println("FAILED: " + e + " (logs: " + logs + ")");
            return false;
        }
    }

    private static String summary(Outcome outcome) {
        return "%,d reconnects, %,d in the busiest second; %s ms without a connection at the most; %,d errors, %,d unsignalled"
                .formatted(
                        outcome.absences().lengths().getTotalCount(),
                        outcome.absences().busiestSecond(),
                        Figures.millis(outcome.absences().lengths(), 100),
                        outcome.errors(),
                        outcome.balance().count(Fate.UNSIGNALLED));
    }
}
