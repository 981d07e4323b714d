package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Timing;
import dev.sluice.bench.process.Check.Finding;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.report.Markdown;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The ledger as Markdown: a page with the losses, and a file with all figures. */
final class LedgerPage {

    private static final String FIGURES = """
            # The ledger: all figures

            Written by `bench/ledger`; what the faults are: [docs/ledger.md](../../docs/ledger.md).

            ${run}

            ## What clients of v1 lost

            | fault | publications | expected | delivered | in gap | disconnected | missed | uncertain | unsignalled |
            |---|--:|--:|--:|--:|--:|--:|--:|--:|
            ${counts}

            **uncertain**: never acknowledged by Redis; excluded elsewhere.

            ## What clients of v2 lost, and how they resumed

            | fault | expected | delivered | in gap | not resumed | missed | uncertain | unsignalled | channels recovered | channels not recovered | resumed | sent again | duplicated |
            |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
            ${resumptions}

            **sent again**: replayed though the client had it, because the position it resumed from was older; it dropped that by the rule for
            positions.

            ## Latencies

            | fault | p50 ms | p99 ms | p99.9 ms |
            |---|--:|--:|--:|
            ${times}

            From publisher to client, of what arrived between the fault's beginning and recovery; the time of a client that was away is included.
            """;

    private final Machine machine;
    private final long seed;
    private final int clients;
    private final List<FaultFinding> findings;

    LedgerPage(Machine machine, long seed, int clients, List<FaultFinding> findings) {
        this.machine = machine;
        this.seed = seed;
        this.clients = clients;
        this.findings = findings;
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
        return new Markdown(FIGURES)
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

    private String rows(Function<FaultFinding, List<String>> cells) {
        return findings.stream()
                .map(entry -> "| `" + entry.fault() + "` | " + String.join(" | ", cells.apply(entry)) + " |")
                .collect(Collectors.joining("\n"));
    }

    private static String recovery(Timing timing) {
        if (!timing.disturbed()) {
            return "–";
        }
        return timing.recovery().map(Markdown::seconds).orElse("never");
    }

    private static String millis(FaultFinding entry, double percentile) {
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
    record FaultFinding(Fault fault, int publications, Balance v1, Balance v2, Timing timing, List<String> surprises)
            implements Finding {

        private static final int MOST_EXAMPLES = 10;

        @Override
        public String summary() {
            return summary("v1", v1) + summary("v2", v2);
        }

        private static String summary(String protocol, Balance balance) {
            StringBuilder text = new StringBuilder(
                    "%n    %s: %,d expected, %,d delivered, %,d in gap, %,d disconnected, %,d missed, %,d uncertain"
                            .formatted(
                                    protocol,
                                    balance.expected(),
                                    balance.count(Fate.DELIVERED),
                                    balance.count(Fate.IN_GAP),
                                    balance.count(Fate.DISCONNECTED),
                                    balance.count(Fate.MISSED),
                                    balance.count(Fate.UNCERTAIN)));
            if (balance.countAnswers(true) + balance.countAnswers(false) > 0) {
                text.append("; %,d resumed, %,d sent again, %,d channels recovered, %,d not"
                        .formatted(
                                balance.countResumed(),
                                balance.countRepeated(),
                                balance.countAnswers(true),
                                balance.countAnswers(false)));
            }
            for (Breach breach : Breach.values()) {
                if (balance.count(breach) > 0) {
                    text.append("%n        %,d %s".formatted(balance.count(breach), breach));
                }
            }
            return text.toString();
        }

        @Override
        public List<String> objections() {
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
