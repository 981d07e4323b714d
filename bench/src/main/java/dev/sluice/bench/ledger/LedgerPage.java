package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Timing;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.report.Markdown;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The ledger as Markdown: a page with the losses, and a file with all figures. */
final class LedgerPage {

    private final Machine machine;
    private final long seed;
    private final int clients;
    private final List<Entry> entries;

    LedgerPage(Machine machine, long seed, int clients, List<Entry> entries) {
        this.machine = machine;
        this.seed = seed;
        this.clients = clients;
        this.entries = entries;
    }

    String markdown() {
        return Markdown.of(LedgerPage.class, "ledger.md")
                .fill("clients", Integer.toString(clients))
                .fill("run", run())
                .fill("faults", faults())
                .text();
    }

    /** All figures. */
    String results() {
        return Markdown.of(LedgerPage.class, "results.md")
                .fill("run", run())
                .fill("counts", counts())
                .fill("resumptions", resumptions())
                .fill("times", times())
                .text();
    }

    private String run() {
        return "Seed %d, %d clients, %s.".formatted(seed, clients, machine.inWords());
    }

    private String counts() {
        return rows(entry -> List.of(Markdown.number(entry.publications()), counts(entry.v1())));
    }

    private String resumptions() {
        return rows(entry -> List.of(
                counts(entry.v2()),
                Markdown.number(entry.v2().countAnswers(true)),
                Markdown.number(entry.v2().countAnswers(false)),
                Markdown.number(entry.v2().countResumed()),
                Markdown.number(entry.v2().countRepeated()),
                Markdown.number(entry.v2().count(Breach.DUPLICATED))));
    }

    private static String counts(Balance balance) {
        return figures(
                balance.expected(),
                balance.count(Fate.DELIVERED),
                balance.count(Fate.IN_GAP),
                balance.count(Fate.DISCONNECTED),
                balance.count(Fate.MISSED),
                balance.count(Fate.UNCERTAIN),
                balance.count(Breach.UNSIGNALLED));
    }

    private String faults() {
        return rows(entry -> List.of(
                entry.fault().description(),
                losses(entry.v1(), "disconnected"),
                losses(entry.v2(), "not resumed"),
                Markdown.number(entry.v2().countResumed()),
                recovery(entry.timing())));
    }

    private static String losses(Balance balance, String away) {
        List<String> losses = new ArrayList<>();
        add(losses, balance.count(Fate.IN_GAP), "in gap");
        add(losses, balance.count(Fate.DISCONNECTED), away);
        add(losses, balance.count(Fate.MISSED), "missed");
        return losses.isEmpty() ? "0" : String.join(", ", losses);
    }

    private static void add(List<String> losses, long count, String kind) {
        if (count > 0) {
            losses.add(Markdown.number(count) + " " + kind);
        }
    }

    private static String figures(long... numbers) {
        return Arrays.stream(numbers).mapToObj(Markdown::number).collect(Collectors.joining(" | "));
    }

    private String times() {
        return rows(entry -> List.of(millis(entry, 50), millis(entry, 99), millis(entry, 99.9)));
    }

    private String rows(Function<Entry, List<String>> cells) {
        return entries.stream()
                .map(entry -> "| `" + entry.fault() + "` | " + String.join(" | ", cells.apply(entry)) + " |")
                .collect(Collectors.joining("\n"));
    }

    private static String recovery(Timing timing) {
        if (!timing.disturbed()) {
            return "–";
        }
        return timing.recovery().map(Markdown::seconds).orElse("never");
    }

    private static String millis(Entry entry, double percentile) {
        return Markdown.millis(entry.timing().latencies(), percentile);
    }

    /**
     * What came of one fault.
     *
     * @param publications that were sent to Redis
     * @param v1 at the clients of that protocol
     * @param v2 at those that resume
     * @param surprises what was said to clients and never should be
     */
    record Entry(Fault fault, int publications, Balance v1, Balance v2, Timing timing, List<String> surprises) {

        private static final int MOST_EXAMPLES = 10;

        /** What must not be, in words; empty where all is well. */
        List<String> objections() {
            List<String> objections = new ArrayList<>(v1.examples());
            objections.addAll(v2.examples());
            surprises.stream().limit(MOST_EXAMPLES).forEach(objections::add);
            if (timing.recovery().isEmpty()) {
                objections.add("it did not recover");
            }
            if (fault.kind() == Fault.Kind.HARMLESS && v1.lost() + v2.lost() > 0) {
                objections.add(v1.lost() + v2.lost() + " deliveries were lost where nothing may be");
            }
            boolean asExpected = switch (fault.resumption()) {
                case ALWAYS -> v2.lost() == 0 && v2.countAnswers(true) > 0 && v2.countAnswers(false) == 0;
                case NEVER -> v2.countAnswers(true) == 0 && v2.countAnswers(false) > 0;
                case EITHER -> true;
            };
            if (!asExpected) {
                objections.add("channels should be resumed %s: %d were and %d were not, and %d deliveries were lost"
                        .formatted(fault.resumption(), v2.countAnswers(true), v2.countAnswers(false), v2.lost()));
            }
            return objections;
        }
    }
}
