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
import dev.sluice.bench.process.Check;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.rollout.Rollout.UpdateFinding;
import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import dev.sluice.bench.trial.RollingUpdate;
import dev.sluice.bench.trial.RollingUpdate.Replacement;
import dev.sluice.bench.trial.Site;
import dev.sluice.bench.trial.Traffic;
import dev.sluice.bench.trial.Traffic.Load;
import dev.sluice.bench.trial.Watchers;
import dev.sluice.bench.trial.Watchers.Told;
import dev.sluice.harness.Waiting;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Rehearses a rolling update with clients, and writes what they notice. bench/rollout starts it. */
@Command(
        name = "bench/rollout",
        description = {
            "Replaces pods behind a balancer one by one, as a Deployment does, while 2,000 clients listen, and writes"
                    + " bench/results/results.md in about two minutes. Needs HAProxy.",
            "Fails if a client lost something, got something twice or out of order, or saw any error: anything but a"
                    + " close with 1012."
        })
public final class Rollout extends Check<UpdateFinding> {

    private static final int FULL_PODS = 3;
    private static final int QUICK_PODS = 2;

    /** The share of clients who hear a channel of which others watch who joins and leaves. */
    private static final int MEMBERS_PERCENT = 30;

    private static final int WATCHERS_OF_EACH = 4;

    /** The default of {@code sluice.presence.grace}. */
    private static final Duration GRACE = Duration.ofSeconds(15);

    /** The cost of new processes and new clients counts neither before the update nor during it. */
    private static final Duration WARM_UP = Duration.ofSeconds(10);

    private static final Duration CALM = Duration.ofSeconds(5);

    /** For how long publications flow after all clients are back. */
    private static final Duration AFTERMATH = Duration.ofSeconds(3);

    @Option(
            names = "--pods",
            paramLabel = "N",
            description = "how many pods (default: 3); with another number, the results go to bench/target")
    private Integer pods;

    public Rollout() {
        super(2000, 200, 5000);
    }

    public static void main(String[] arguments) {
        start(new Rollout(), arguments);
    }

    @Override
    protected void validate() {
        super.validate();
        pods = number("--pods", pods, 1, 10, quick ? QUICK_PODS : FULL_PODS);
    }

    @Override
    protected Map<String, Writer<UpdateFinding>> pages() {
        return Map.of("bench/results/results.md", UpdateFinding::write);
    }

    @Override
    protected boolean run() throws IOException {
        System.out.printf("replacing %d pods under %,d clients%n", pods, clients());
        List<UpdateFinding> findings =
                attempt("update", this::rehearse).stream().toList();
        return publish(findings, pods == FULL_PODS, "no client was harmed", "A CLIENT WAS HARMED");
    }

    /** Replaces the pods while publications flow, and audits the clients. */
    private UpdateFinding rehearse(Path logs) {
        int members = clients() * MEMBERS_PERCENT / 100;
        try (Site site = Site.start(RollingUpdate.plan(pods), jar(), logs);
                Watchers watchers = new Watchers(site.entrance(), members, WATCHERS_OF_EACH, new Random(seed));
                Traffic traffic = new Traffic(
                        Load.crowd(clients(), members),
                        List.of(SluiceProtocol.V2),
                        site.entrance(),
                        site.destination(),
                        new Random(seed))) {
            traffic.open();
            watchers.open();
            traffic.publish();
            Waiting.sleep(WARM_UP);
            long calm = Books.now();
            Waiting.sleep(CALM);
            int surprisesBefore = traffic.surprises().size();
            long begin = Books.now();
            watchers.leave();
            List<Replacement> replacements = new RollingUpdate(site).run();
            long end = Books.now();
            Waiting.until("everybody", traffic::areAllSubscribed);
            // Events of the last reconnects would come after the grace.
            Waiting.sleep(GRACE.plus(AFTERMATH));
            watchers.awaitEverybody();
            traffic.finish();
            List<String> surprises = traffic.surprises();
            List<String> surprisesMeanwhile = surprises.subList(surprisesBefore, surprises.size());
            return traffic.books(books -> new UpdateFinding(
                    replacements,
                    books.publications(),
                    books.audit(true),
                    books.absences(begin, Books.now()),
                    books.latencies(calm, begin),
                    books.latencies(begin, end),
                    surprisesMeanwhile,
                    watchers.told()));
        }
    }

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

        static void write(Page page, List<UpdateFinding> findings) {
            List<Row> rows = findings.stream()
                    .flatMap(finding -> finding.rows().stream())
                    .toList();
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
                            grouped(told.watchers()) + ", " + grouped(told.users()) + ", "
                                    + grouped(told.reconnects())),
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
            if (told.leavesOfLeaver() > told.watchers()) {
                objections.add("watchers were told %d times of the one who left".formatted(told.leavesOfLeaver()));
            }
            if (absences.errors() > 0) {
                objections.add(
                        "%d connections did not end with 1012: %s".formatted(absences.errors(), absences.endings()));
            }
            return objections;
        }
    }
}
