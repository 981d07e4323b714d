package dev.sluice.bench.ledger;

import static dev.sluice.bench.process.Page.Column.count;
import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Books;
import dev.sluice.bench.account.Timing;
import dev.sluice.bench.process.Check;
import dev.sluice.bench.process.Check.Finding;
import dev.sluice.bench.process.Check.Writer;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.process.Page.Column;
import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * The result of one fault.
 *
 * @param publications that were sent to Redis
 * @param confirmed that Redis has answered
 * @param v1 at the clients of that protocol
 * @param v2 at the clients of that protocol, which resume
 * @param centrifuge at the clients of Centrifugo's protocol, which resume as well; there are none without a Redis Cluster
 * @param streams1 of streams, at the former
 * @param streams2 of streams, at the latter
 * @param surprises messages that no well-behaved client should get
 */
record FaultFinding(
        Fault fault,
        int publications,
        int confirmed,
        Balance v1,
        Balance v2,
        Balance centrifuge,
        Balance streams1,
        Balance streams2,
        Timing timing,
        List<String> surprises)
        implements Finding {

    private static final Column<FaultFinding> NAME = text("fault", finding -> "`" + finding.fault + "`");

    /**
     * What the books say.
     *
     * @param begin of the fault
     * @param from the time from which recovery counts
     */
    static FaultFinding of(Fault fault, Books books, long begin, long from) {
        return new FaultFinding(
                fault,
                books.publications(),
                books.confirmed(),
                books.audit(SluiceProtocol.V1.toString(), Predicate.not(Books::isStream)),
                books.audit(SluiceProtocol.V2.toString(), Predicate.not(Books::isStream)),
                books.audit(SluiceProtocol.CENTRIFUGE.toString(), Predicate.not(Books::isStream)),
                books.audit(SluiceProtocol.V1.toString(), Books::isStream),
                books.audit(SluiceProtocol.V2.toString(), Books::isStream),
                books.timing(begin, from),
                books.surprises());
    }

    /** The pages, as {@link Check#pages}. */
    static Map<String, Writer<FaultFinding>> pages(boolean cluster) {
        return Map.of(
                "docs/ledger.md",
                cluster ? FaultFinding::writeClusterLosses : FaultFinding::writeLosses,
                "bench/results/results.md",
                cluster ? FaultFinding::writeClusterFigures : FaultFinding::writeFigures);
    }

    private static void writeLosses(Page page, List<FaultFinding> findings) {
        page.writeTable(
                "faults",
                findings,
                List.of(
                        NAME,
                        text("what happens", finding -> finding.fault.description()),
                        figure("lost by v1", finding -> losses(finding.v1, "disconnected")),
                        figure("lost by v2", finding -> losses(finding.v2, "not resumed")),
                        count("resumed by v2", finding -> finding.v2.countResumed()),
                        figure("recovery", FaultFinding::recovery)));
        page.writeLines("streams", streams(findings));
    }

    private static void writeClusterLosses(Page page, List<FaultFinding> findings) {
        page.writeTable(
                "faults",
                findings,
                List.of(
                        NAME,
                        text("what happens", finding -> finding.fault.description()),
                        count("confirmed", finding -> (long) finding.confirmed),
                        count("delivered", finding -> finding.all(balance -> balance.count(Fate.DELIVERED))),
                        count("resumed", finding -> finding.all(Balance::countResumed)),
                        count("lost", finding -> finding.all(Balance::lost)),
                        count("unsignalled", finding -> finding.all(balance -> balance.count(Fate.UNSIGNALLED))),
                        count("duplicated", finding -> finding.all(balance -> balance.count(Breach.DUPLICATED))),
                        figure("recovery", FaultFinding::recovery)));
    }

    /** Of all channels that are not streams. */
    private long all(ToLongFunction<Balance> count) {
        return count.applyAsLong(v1) + count.applyAsLong(v2) + count.applyAsLong(centrifuge);
    }

    private static void writeClusterFigures(Page page, List<FaultFinding> findings) {
        page.writeTable("v1", findings, ofCluster(FaultFinding::v1))
                .writeTable("v2", findings, ofCluster(FaultFinding::v2))
                .writeTable("centrifuge", findings, ofCluster(FaultFinding::centrifuge));
    }

    private static List<Column<FaultFinding>> ofCluster(Function<FaultFinding, Balance> of) {
        List<Column<FaultFinding>> columns = new ArrayList<>(List.of(
                NAME, count("publications", finding -> (long) finding.publications), count("confirmed", finding ->
                        (long) finding.confirmed)));
        columns.addAll(counts(of, "not resumed"));
        columns.addAll(resumptions(of));
        columns.add(count("duplicated", finding -> of.apply(finding).count(Breach.DUPLICATED)));
        return columns;
    }

    private static String streams(List<FaultFinding> findings) {
        long expected = 0;
        long delivered = 0;
        List<String> forgotten = new ArrayList<>();
        for (FaultFinding finding : findings) {
            expected += finding.streams2.expected();
            delivered += finding.streams2.count(Fate.DELIVERED);
            long lost = finding.streams2.count(Fate.FORGOTTEN);
            if (lost > 0) {
                forgotten.add("`" + finding.fault + "` " + Page.grouped(lost));
            }
        }
        return "Entries of streams that Redis kept: clients of v2 got %s of %s. Lost by Redis: %s."
                .formatted(
                        Page.grouped(delivered),
                        Page.grouped(expected),
                        forgotten.isEmpty() ? "none" : String.join(", ", forgotten));
    }

    private static void writeFigures(Page page, List<FaultFinding> findings) {
        List<Column<FaultFinding>> v1 =
                new ArrayList<>(List.of(NAME, count("publications", finding -> (long) finding.publications)));
        v1.addAll(counts(FaultFinding::v1, "disconnected"));
        List<Column<FaultFinding>> v2 = new ArrayList<>(List.of(NAME));
        v2.addAll(counts(FaultFinding::v2, "not resumed"));
        v2.addAll(resumptions(FaultFinding::v2));
        v2.addAll(List.of(
                count("sent again", finding -> finding.v2.countRepeated()),
                count("duplicated", finding -> finding.v2.count(Breach.DUPLICATED))));
        List<Column<FaultFinding>> streams = new ArrayList<>(List.of(NAME));
        streams.addAll(counts(FaultFinding::streams2, "not resumed"));
        streams.addAll(List.of(
                count("resumed", finding -> finding.streams2.countResumed()),
                count("duplicated", finding -> finding.streams2.count(Breach.DUPLICATED)),
                count("lost by Redis", finding -> finding.streams2.count(Fate.FORGOTTEN))));
        page.writeTable("v1", findings, v1)
                .writeTable("v2", findings, v2)
                .writeTable("streams", findings, streams)
                .writeTable("latencies", findings, List.of(NAME, latency(50), latency(99), latency(99.9)));
    }

    private static List<Column<FaultFinding>> counts(Function<FaultFinding, Balance> of, String disconnected) {
        return List.of(
                count("expected", finding -> of.apply(finding).expected()),
                count("delivered", finding -> of.apply(finding).count(Fate.DELIVERED)),
                count("in gap", finding -> of.apply(finding).count(Fate.IN_GAP)),
                count(disconnected, finding -> of.apply(finding).count(Fate.DISCONNECTED)),
                count("missed", finding -> of.apply(finding).count(Fate.MISSED)),
                count("uncertain", finding -> of.apply(finding).count(Fate.UNCERTAIN)),
                count("unsignalled", finding -> of.apply(finding).count(Breach.UNSIGNALLED)));
    }

    private static List<Column<FaultFinding>> resumptions(Function<FaultFinding, Balance> of) {
        return List.of(
                count("channels recovered", finding -> of.apply(finding).countAnswers(true)),
                count("channels not recovered", finding -> of.apply(finding).countAnswers(false)),
                count("resumed", finding -> of.apply(finding).countResumed()));
    }

    private static Column<FaultFinding> latency(double percentile) {
        String title = "p" + (percentile == Math.rint(percentile) ? "" + (int) percentile : percentile) + " ms";
        return figure(title, finding -> Page.millis(finding.timing.latencies(), percentile));
    }

    private static String losses(Balance balance, String disconnected) {
        String losses = String.join(
                ", ",
                Stream.of(
                                loss(balance.count(Fate.IN_GAP), "in gap"),
                                loss(balance.count(Fate.DISCONNECTED), disconnected),
                                loss(balance.count(Fate.MISSED), "missed"))
                        .flatMap(Function.identity())
                        .toList());
        return losses.isEmpty() ? "0" : losses;
    }

    private static Stream<String> loss(long count, String kind) {
        return count == 0 ? Stream.empty() : Stream.of(Page.grouped(count) + " " + kind);
    }

    private String recovery() {
        return timing.disturbed() ? timing.recovery().map(Page::seconds).orElse("never") : "–";
    }

    @Override
    public String summary() {
        return "%n    v1: %s%n    v2: %s%n    Centrifugo's: %s%n    streams, v1: %s%n    streams, v2: %s"
                .formatted(v1, resumptions(v2), resumptions(centrifuge), streams1, resumptions(streams2));
    }

    private static String resumptions(Balance balance) {
        return "%s; %,d resumed, %,d sent again, %,d channels recovered, %,d not"
                .formatted(
                        balance,
                        balance.countResumed(),
                        balance.countRepeated(),
                        balance.countAnswers(true),
                        balance.countAnswers(false));
    }

    @Override
    public List<String> objections() {
        List<String> objections = new ArrayList<>(v1.examples());
        objections.addAll(v2.examples());
        objections.addAll(centrifuge.examples());
        objections.addAll(streams1.examples());
        objections.addAll(streams2.examples());
        if (fault != Fault.REDIS_REPLACED) {
            if (streams1.count(Fate.IN_GAP) > 0 || streams2.lost() > streams2.count(Fate.MISSED)) {
                objections.add("entries of streams were lost that Redis kept");
            }
            if (streams2.countAnswers(false) > 0) {
                objections.add(streams2.countAnswers(false) + " streams were not resumed");
            }
        }
        objections.addAll(Finding.some(surprises));
        if (timing.recovery().isEmpty()) {
            objections.add("it did not recover");
        }
        if (fault.kind() == Fault.Kind.HARMLESS && all(Balance::lost) > 0) {
            objections.add(all(Balance::lost) + " deliveries were lost where nothing may be");
        }
        Balance resuming = fault.isSharded() ? centrifuge : v2;
        boolean asExpected = switch (fault.resumption()) {
            case ALWAYS -> resuming.lost() == 0 && resuming.countAnswers(true) > 0 && resuming.countAnswers(false) == 0;
            case SOME -> resuming.countResumed() > 0;
            case NEVER -> resuming.countAnswers(true) == 0 && resuming.countAnswers(false) > 0;
            case EITHER -> true;
        };
        if (!asExpected) {
            objections.add("channels should be resumed %s: %d were and %d were not, and %d deliveries were lost"
                    .formatted(
                            fault.resumption(),
                            resuming.countAnswers(true),
                            resuming.countAnswers(false),
                            resuming.lost()));
        }
        return objections;
    }
}
