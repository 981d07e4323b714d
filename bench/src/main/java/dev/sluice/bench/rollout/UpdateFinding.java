package dev.sluice.bench.rollout;

import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;
import static dev.sluice.bench.process.Page.grouped;
import static dev.sluice.bench.process.Page.millis;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Books;
import dev.sluice.bench.account.Timing.Absences;
import dev.sluice.bench.process.Check.Finding;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.trial.RollingUpdate.Replacement;
import dev.sluice.bench.trial.Watchers.Told;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;

/**
 * The result of an update.
 *
 * @param publications that were sent to Redis
 * @param before the latencies before it, in nanoseconds
 * @param meanwhile the latencies from its beginning until it was over
 * @param surprises messages during it that no well-behaved client should get
 * @param told to those who watch who joins and leaves
 */
record UpdateFinding(
        List<Replacement> replacements,
        int publications,
        Balance balance,
        Absences absences,
        Histogram before,
        Histogram meanwhile,
        List<String> surprises,
        Told told)
        implements Finding {

    private record Row(String name, String figure) {}

    /**
     * What the books say.
     *
     * @param calm the time from which latencies before the update count
     * @param begin of the update
     * @param end of the update
     */
    static UpdateFinding of(Books books, long calm, long begin, long end, List<Replacement> replacements, Told told) {
        return new UpdateFinding(
                replacements,
                books.publications(),
                books.audit(true),
                books.absences(begin, Books.now()),
                books.latencies(calm, begin),
                books.latencies(begin, end),
                books.surprises(),
                told);
    }

    static void write(Page page, List<UpdateFinding> findings) {
        List<Row> rows =
                findings.stream().flatMap(finding -> finding.rows().stream()).toList();
        page.writeTable("figures", rows, List.of(text("", Row::name), figure("", Row::figure)));
    }

    private List<Row> rows() {
        return List.of(
                new Row("longest time without a connection, ms", millis(absences.lengths(), 100)),
                new Row("p50, p99 of that time, ms", percentiles(absences.lengths())),
                new Row("reconnects", grouped(absences.lengths().getTotalCount())),
                new Row("reconnects in the busiest second", grouped(absences.busiestSecond())),
                new Row("errors seen by clients", grouped(errors())),
                new Row("publications", grouped(publications)),
                new Row("deliveries expected", grouped(balance.expected())),
                new Row("delivered", grouped(balance.count(Fate.DELIVERED))),
                new Row("of these, published while the client was away", grouped(balance.countResumed())),
                new Row("p50, p99 of the latency before, ms", percentiles(before)),
                new Row("p50, p99 of the latency during the update, ms", percentiles(meanwhile)),
                new Row(
                        "watchers of who joins and leaves, users among whom they watch, reconnects of watchers",
                        grouped(told.watchers()) + ", " + grouped(told.users()) + ", " + grouped(told.reconnects())),
                new Row(
                        "joins and leaves told of users who came back",
                        grouped(told.joins()) + ", " + grouped(told.leaves())),
                new Row("leaves told of the user who did not", grouped(told.leavesOfLeaver())),
                new Row("new pods ready after", times(Replacement::ready)),
                new Row("old pods gone after", times(Replacement::gone)));
    }

    private static String percentiles(Histogram recorded) {
        return millis(recorded, 50) + ", " + millis(recorded, 99);
    }

    private String times(Function<Replacement, Duration> time) {
        return replacements.stream()
                .map(replacement -> Page.seconds(time.apply(replacement)))
                .collect(Collectors.joining(", "));
    }

    /** The number of errors that clients saw: connections that ended without 1012, refusals, and wrong answers. */
    int errors() {
        return absences.errors() + surprises.size();
    }

    @Override
    public String summary() {
        return "%,d reconnects, %,d in the busiest second; %s ms without a connection at the most; %,d errors, %,d unsignalled; %s"
                .formatted(
                        absences.lengths().getTotalCount(),
                        absences.busiestSecond(),
                        millis(absences.lengths(), 100),
                        errors(),
                        balance.count(Breach.UNSIGNALLED),
                        told);
    }

    @Override
    public List<String> objections() {
        List<String> objections = new ArrayList<>(balance.examples());
        objections.addAll(Finding.some(surprises));
        if (balance.lost() > 0) {
            objections.add("deliveries were lost by clients that resume: %s; answers that refused to resume: %,d"
                    .formatted(balance, balance.countAnswers(false)));
            objections.addAll(balance.losses());
        }
        if (told.joins() + told.leaves() > 0) {
            objections.add("watchers were told that users joined or left who were there: %d and %d times"
                    .formatted(told.joins(), told.leaves()));
        }
        if (told.leavesOfLeaver() == 0 || told.untold() + told.toldTwice() > 0) {
            objections.add("of the one who left, watchers were told %d times: %d not at all and %d more than once"
                    .formatted(told.leavesOfLeaver(), told.untold(), told.toldTwice()));
        }
        if (absences.errors() > 0) {
            objections.add("%d connections did not end with 1012: %s".formatted(absences.errors(), absences.endings()));
        }
        return objections;
    }
}
