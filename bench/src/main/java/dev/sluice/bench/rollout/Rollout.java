package dev.sluice.bench.rollout;

import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.report.Figures;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.rollout.RolloutPage.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Rehearses a rolling update, and writes down what clients saw of it. bench/rollout starts it. */
@Command(name = "bench/rollout")
public final class Rollout extends Program {

    private static final int DEFAULT_CLIENTS = 2000;
    private static final int QUICK_CLIENTS = 200;
    private static final int DEFAULT_PODS = 3;
    private static final int QUICK_PODS = 2;

    @Option(names = "--seed")
    private long seed = 1;

    @Option(names = "--clients")
    private Integer clients;

    @Option(names = "--pods")
    private Integer pods;

    public static void main(String[] arguments) {
        start(new Rollout(), arguments);
    }

    @Override
    protected void validate() {
        clients = number("--clients", clients, 10, 5000, quick ? QUICK_CLIENTS : DEFAULT_CLIENTS);
        pods = number("--pods", pods, 1, 10, quick ? QUICK_PODS : DEFAULT_PODS);
    }

    @Override
    protected boolean run() throws IOException {
        Machine machine = Machine.here(root(), List.of());
        Path logs = Files.createDirectories(home().resolve("target/rollout"));
        try {
            System.out.printf("replacing %d pods under %,d clients%n", pods, clients);
            Outcome outcome = Rehearsal.run(pods, clients, seed, jar(), logs);
            boolean clean = outcome.objections().isEmpty();
            boolean valid = clean && !quick && clients >= DEFAULT_CLIENTS && pods >= DEFAULT_PODS;
            Path file = (valid ? root().resolve("docs") : logs).resolve("rollout.md");
            Files.writeString(file, new RolloutPage(machine, seed, pods, clients, outcome).markdown());
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
