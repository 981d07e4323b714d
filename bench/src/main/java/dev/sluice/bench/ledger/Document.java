package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Timing;
import dev.sluice.bench.report.Machine;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The ledger as Markdown: what it is, around what came out. */
final class Document {

    private static final String TEXT = "ledger.md";

    private final Machine machine;
    private final LedgerOptions options;
    private final List<Entry> entries;

    Document(Machine machine, LedgerOptions options, List<Entry> entries) {
        this.machine = machine;
        this.options = options;
        this.entries = entries;
    }

    String markdown() {
        return text().replace("${clients}", Integer.toString(options.clients()))
                .replace("${run}", run())
                .replace("${counts}", counts())
                .replace("${times}", times())
                .replace("${faults}", faults());
    }

    private static String text() {
        try (InputStream in = Document.class.getResourceAsStream(TEXT)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String run() {
        return "Seed %d, %d clients, %s, %d cores, %s, JDK %s, Sluice at %s, %s."
                .formatted(
                        options.seed(),
                        options.clients(),
                        machine.cpu(),
                        machine.cores(),
                        machine.kernel(),
                        machine.jdk(),
                        machine.commit(),
                        machine.date());
    }

    private String counts() {
        return rows(entry -> {
            Balance balance = entry.balance();
            return List.of(
                    number(entry.publications()),
                    number(balance.expected()),
                    number(balance.count(Fate.DELIVERED)),
                    number(balance.count(Fate.IN_GAP)),
                    number(balance.count(Fate.DISCONNECTED)),
                    number(balance.count(Fate.MISSED)),
                    number(balance.count(Fate.UNCERTAIN)),
                    number(balance.count(Breach.UNSIGNALLED)),
                    number(balance.count(Breach.DUPLICATED)),
                    number(balance.count(Breach.REORDERED)));
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

    private static String number(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    private static String recovery(Timing timing) {
        if (!timing.disturbed()) {
            return "–";
        }
        return timing.recovery()
                .map(time -> String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1e3))
                .orElse("never");
    }

    private static String millis(Entry entry, double percentile) {
        double nanos = entry.timing().latencies().getValueAtPercentile(percentile);
        return String.format(Locale.ROOT, "%,.1f", nanos / TimeUnit.MILLISECONDS.toNanos(1));
    }
}
