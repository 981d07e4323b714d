package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Timing;
import dev.sluice.bench.ledger.Ledger.LedgerOptions;
import dev.sluice.bench.report.Figures;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.report.Template;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The ledger as Markdown: a page with the losses, and a file with all figures. */
final class Document {

    private final Machine machine;
    private final LedgerOptions options;
    private final List<Entry> entries;

    Document(Machine machine, LedgerOptions options, List<Entry> entries) {
        this.machine = machine;
        this.options = options;
        this.entries = entries;
    }

    String markdown() {
        return Template.of(Document.class, "ledger.md")
                .fill("clients", Integer.toString(options.clients()))
                .fill("run", run())
                .fill("faults", faults())
                .text();
    }

    /** All figures. */
    String results() {
        return Template.of(Document.class, "results.md")
                .fill("run", run())
                .fill("counts", counts())
                .fill("times", times())
                .text();
    }

    private String run() {
        return "Seed %d, %d clients, %s.".formatted(options.seed(), options.clients(), machine.inWords());
    }

    private String counts() {
        return rows(entry -> {
            Balance balance = entry.balance();
            return List.of(
                    Figures.number(entry.publications()),
                    Figures.number(balance.expected()),
                    Figures.number(balance.count(Fate.DELIVERED)),
                    Figures.number(balance.count(Fate.IN_GAP)),
                    Figures.number(balance.count(Fate.DISCONNECTED)),
                    Figures.number(balance.count(Fate.MISSED)),
                    Figures.number(balance.count(Fate.UNCERTAIN)),
                    Figures.number(balance.count(Breach.UNSIGNALLED)));
        });
    }

    private String faults() {
        return rows(entry -> {
            Balance balance = entry.balance();
            return List.of(
                    entry.fault().description(),
                    Figures.number(balance.expected()),
                    Figures.number(balance.count(Fate.IN_GAP)),
                    Figures.number(balance.count(Fate.DISCONNECTED)),
                    Figures.number(balance.count(Fate.MISSED)),
                    recovery(entry.timing()));
        });
    }

    private String times() {
        return rows(entry -> List.of(millis(entry, 50), millis(entry, 99), millis(entry, 99.9)));
    }

    private String rows(Function<Entry, List<String>> cells) {
        return entries.stream()
                .map(entry -> "| `" + entry.fault().id() + "` | " + String.join(" | ", cells.apply(entry)) + " |")
                .collect(Collectors.joining("\n"));
    }

    private static String recovery(Timing timing) {
        if (!timing.disturbed()) {
            return "–";
        }
        return timing.recovery().map(Figures::seconds).orElse("never");
    }

    private static String millis(Entry entry, double percentile) {
        return Figures.millis(entry.timing().latencies(), percentile);
    }

    /**
     * What came of one fault.
     *
     * @param publications that were sent to Redis
     * @param surprises what was said to clients and never should be
     */
    record Entry(Fault fault, int publications, Balance balance, Timing timing, List<String> surprises) {

        /** What must not be, in words; empty where all is well. */
        List<String> objections() {
            List<String> objections = new ArrayList<>(balance.examples());
            objections.addAll(surprises);
            if (timing.recovery().isEmpty()) {
                objections.add("it did not recover");
            }
            long lost = balance.expected() - balance.count(Fate.DELIVERED);
            if (fault.kind() == Fault.Kind.HARMLESS && lost > 0) {
                objections.add(lost + " deliveries were lost where nothing may be");
            }
            return objections;
        }
    }
}
