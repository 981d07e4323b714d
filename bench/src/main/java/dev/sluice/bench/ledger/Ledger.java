package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.ledger.LedgerPage.Entry;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.traffic.Load;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lets each fault strike once, and writes down what was lost and whether the clients know. bench/ledger starts it. */
@Command(name = "bench/ledger")
public final class Ledger extends Program {

    private static final int DEFAULT_CLIENTS = 300;
    private static final int QUICK_CLIENTS = 100;
    private static final Set<Fault> QUICK =
            EnumSet.of(Fault.REDIS_KILLED, Fault.LINK_SWALLOWS, Fault.POD_KILLED, Fault.POD_TERMINATED);

    @Option(names = "--seed")
    private long seed = 1;

    @Option(names = "--clients")
    private Integer clients;

    @Option(names = "--only", split = COMMA)
    private Set<Fault> only = EnumSet.noneOf(Fault.class);

    private final List<Entry> entries = new ArrayList<>();
    private boolean clean = true;

    public static void main(String[] arguments) {
        start(new Ledger(), arguments);
    }

    @Override
    protected void validate() {
        clients = number("--clients", clients, 10, 1500, quick ? QUICK_CLIENTS : DEFAULT_CLIENTS);
    }

    @Override
    protected boolean run() throws IOException {
        Machine machine = Machine.here(root(), List.of());
        Set<Fault> all = EnumSet.allOf(Fault.class);
        Set<Fault> faults = only.isEmpty() ? quick ? QUICK : all : EnumSet.copyOf(only);
        for (Fault fault : faults) {
            System.out.print(fault);
            System.out.flush();
            strike(fault);
        }
        boolean valid = clean && !quick && clients >= DEFAULT_CLIENTS && faults.equals(all);
        Path file = valid ? root().resolve("docs/ledger.md") : logs().resolve("ledger.md");
        LedgerPage page = new LedgerPage(machine, seed, clients, entries);
        Files.writeString(file, page.markdown());
        Files.writeString(valid ? home().resolve("results/ledger.md") : logs().resolve("results.md"), page.results());
        System.out.println((clean ? "everything is accounted for: " : "IT DOES NOT ADD UP: ") + file);
        return clean;
    }

    private void strike(Fault fault) throws IOException {
        Path logs = Files.createDirectories(logs().resolve(fault.toString()));
        try {
            Entry entry = FaultTrial.run(fault, Load.of(clients), seed, jar(), logs);
            entries.add(entry);
            print("v1", entry.v1());
            print("v2", entry.v2());
            System.out.println();
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
        return home().resolve("target/ledger");
    }

    private static void print(String protocol, Balance balance) {
        System.out.printf(
                "%n    %s: %,d expected, %,d delivered, %,d in gap, %,d disconnected, %,d missed, %,d uncertain",
                protocol,
                balance.expected(),
                balance.count(Fate.DELIVERED),
                balance.count(Fate.IN_GAP),
                balance.count(Fate.DISCONNECTED),
                balance.count(Fate.MISSED),
                balance.count(Fate.UNCERTAIN));
        if (balance.countAnswers(true) + balance.countAnswers(false) > 0) {
            System.out.printf(
                    "; %,d resumed, %,d sent again, %,d channels recovered, %,d not",
                    balance.countResumed(),
                    balance.countRepeated(),
                    balance.countAnswers(true),
                    balance.countAnswers(false));
        }
        for (Breach breach : Breach.values()) {
            if (balance.count(breach) > 0) {
                System.out.printf("%n        %,d %s", balance.count(breach), breach);
            }
        }
    }
}
