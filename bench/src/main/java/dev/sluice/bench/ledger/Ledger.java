package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.options.Arguments;
import dev.sluice.bench.options.Arguments.Wrong;
import dev.sluice.bench.options.Program;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.traffic.Load;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Lets each fault strike once, and writes down what was lost and whether the clients know. bench/ledger starts it. */
public final class Ledger {

    private static final String JAR = "target/quarkus-app/quarkus-run.jar";
    private static final String LOGS = "bench/target/ledger";

    private final LedgerOptions options;
    private final Path root;
    private final List<Entry> entries = new ArrayList<>();
    private boolean clean = true;

    private Ledger(LedgerOptions options, Path root) {
        this.options = options;
        this.root = root;
    }

    public static void main(String[] arguments) throws IOException {
        Program.run("bench/ledger", Ledger::run, arguments);
    }

    private static boolean run(Arguments arguments) throws Wrong, IOException {
        Path home = Path.of(System.getProperty("bench.home"));
        LedgerOptions options = LedgerOptions.parse(arguments);
        return options.check() || new Ledger(options, home.getParent()).run();
    }

    /** @return whether everything adds up */
    private boolean run() throws IOException {
        Machine machine = Machine.here(root, List.of());
        for (Fault fault : options.faults()) {
            System.out.printf("%-20s ", fault.id());
            System.out.flush();
            strike(fault);
        }
        Path target = Files.createDirectories(root.resolve(LOGS));
        boolean valid = options.isComplete() && clean;
        Path file = valid ? root.resolve("docs/ledger.md") : target.resolve("ledger.md");
        Document document = new Document(machine, options, entries);
        Files.writeString(file, document.markdown());
        Files.writeString(
                valid ? root.resolve("bench/results/ledger.md") : target.resolve("results.md"), document.results());
        System.out.println((clean ? "everything is accounted for: " : "IT DOES NOT ADD UP: ") + file);
        return clean;
    }

    private void strike(Fault fault) throws IOException {
        Path logs = Files.createDirectories(root.resolve(LOGS).resolve(fault.id()));
        try {
            Entry entry = Trial.run(fault, Load.of(options.clients()), options.seed(), root.resolve(JAR), logs);
            entries.add(entry);
            System.out.println(summary(entry));
            for (Breach breach : Breach.values()) {
                if (entry.balance().count(breach) > 0) {
                    System.out.printf("    %,d %s%n", entry.balance().count(breach), breach);
                }
            }
            for (String objection : entry.objections()) {
                clean = false;
                System.out.println("    " + objection);
            }
        } catch (RuntimeException | AssertionError e) {
            clean = false;
            System.out.println("FAILED: " + e + " (logs: " + logs + ")");
        }
    }

    private static String summary(Entry entry) {
        Balance balance = entry.balance();
        return "%,9d expected, %,9d delivered, %,7d in gap, %,6d disconnected, %,6d missed, %,6d uncertain"
                .formatted(
                        balance.expected(),
                        balance.count(Fate.DELIVERED),
                        balance.count(Fate.IN_GAP),
                        balance.count(Fate.DISCONNECTED),
                        balance.count(Fate.MISSED),
                        balance.count(Fate.UNCERTAIN));
    }
}
