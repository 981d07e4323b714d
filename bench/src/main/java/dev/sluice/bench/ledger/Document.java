package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Timing;
import dev.sluice.bench.report.Figures;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.report.Template;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The ledger as Markdown: what it is, around what came out. */
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
                .fill("counts", counts())
                .fill("times", times())
                .fill("faults", faults())
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
                    Figures.number(balance.count(Breach.UNSIGNALLED)),
                    Figures.number(balance.count(Breach.DUPLICATED)),
                    Figures.number(balance.count(Breach.REORDERED)));
        });
    }

    private String times() {
        return rows(
                entry -> List.of(recovery(entry.timing()), millis(entry, 50), millis(entry, 99), millis(entry, 99.9)));
    }

    private String faults() {
        return entries.stream()
                .map(entry ->
                        "| `" + entry.fault().id() + "` | " + entry.fault().description() + " |")
                .collect(Collectors.joining("\n"));
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
}
