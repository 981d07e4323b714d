package dev.sluice.bench.rollout;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Timing.Absences;
import dev.sluice.bench.process.Check.Finding;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.report.Markdown;
import dev.sluice.bench.rollout.Rollout.Update;
import dev.sluice.bench.rollout.Rollout.Update.Replacement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;

/** The rehearsal as Markdown: what it is, around what came out. */
final class RolloutPage {

    private final Machine machine;
    private final long seed;
    private final int pods;
    private final int clients;
    private final UpdateFinding finding;

    RolloutPage(Machine machine, long seed, int pods, int clients, UpdateFinding finding) {
        this.machine = machine;
        this.seed = seed;
        this.pods = pods;
        this.clients = clients;
        this.finding = finding;
    }

    String markdown() {
        return Markdown.of(RolloutPage.class, "rollout.md")
                .fill("pods", Integer.toString(pods))
                .fill("clients", Markdown.number(clients))
                .fill("delay", seconds(Update.DRAIN_DELAY))
                .fill("period", seconds(Update.DRAIN_PERIOD))
                .fill("min-ready", seconds(Update.MIN_READY))
                .fill("run", run())
                .fill("figures", figures())
                .text();
    }

    private static String seconds(Duration time) {
        return Long.toString(time.toSeconds());
    }

    private String run() {
        return "Seed %d, %d pods, %s clients, %s.".formatted(seed, pods, Markdown.number(clients), machine.inWords());
    }

    private String figures() {
        Absences absences = finding.absences();
        Balance balance = finding.balance();
        return String.join(
                "\n",
                row("longest time without a connection, ms", Markdown.millis(absences.lengths(), 100)),
                row("p50, p99 of that time, ms", percentiles(absences.lengths())),
                row("reconnects", Markdown.number(absences.lengths().getTotalCount())),
                row("reconnects in the busiest second", Markdown.number(absences.busiestSecond())),
                row("errors seen by clients", Markdown.number(finding.errors())),
                row("publications", Markdown.number(finding.publications())),
                row("deliveries expected", Markdown.number(balance.expected())),
                row("delivered", Markdown.number(balance.count(Fate.DELIVERED))),
                row("of these, published while the client was away", Markdown.number(balance.countResumed())),
                row("lost while disconnected", Markdown.number(balance.count(Fate.DISCONNECTED))),
                row("lost in a gap, or counted as missed", Markdown.number(balance.count(Fate.IN_GAP, Fate.MISSED))),
                row("lost unsignalled", Markdown.number(balance.count(Breach.UNSIGNALLED))),
                row(
                        "duplicated or reordered",
                        Markdown.number(balance.count(Breach.DUPLICATED) + balance.count(Breach.REORDERED))),
                row("p50, p99 of the latency before, ms", percentiles(finding.before())),
                row("p50, p99 of the latency during the update, ms", percentiles(finding.meanwhile())),
                row("new pods ready after", times(Replacement::ready)),
                row("old pods gone after", times(Replacement::gone)));
    }

    private static String row(String what, String figure) {
        return "| " + what + " | " + figure + " |";
    }

    private static String percentiles(Histogram recorded) {
        return Markdown.millis(recorded, 50) + ", " + Markdown.millis(recorded, 99);
    }

    private String times(Function<Replacement, Duration> time) {
        return finding.replacements().stream()
                .map(replacement -> Markdown.seconds(time.apply(replacement)))
                .collect(Collectors.joining(", "));
    }

    /**
     * What came of an update.
     *
     * @param publications that were sent to Redis
     * @param before how late publications were before it, in nanoseconds
     * @param meanwhile and from its beginning until it was over
     * @param surprises what was said to clients from its beginning on and never should be
     */
    record UpdateFinding(
            List<Replacement> replacements,
            int publications,
            Balance balance,
            Absences absences,
            Histogram before,
            Histogram meanwhile,
            List<String> surprises)
            implements Finding {

        private static final int MOST_EXAMPLES = 20;

        /** What clients saw that should not be: connections that ended otherwise than with 1012, refusals, and answers. */
        int errors() {
            return absences.errors() + surprises.size();
        }

        @Override
        public String summary() {
            return "%,d reconnects, %,d in the busiest second; %s ms without a connection at the most; %,d errors, %,d unsignalled"
                    .formatted(
                            absences.lengths().getTotalCount(),
                            absences.busiestSecond(),
                            Markdown.millis(absences.lengths(), 100),
                            errors(),
                            balance.count(Breach.UNSIGNALLED));
        }

        @Override
        public List<String> objections() {
            List<String> objections = new ArrayList<>(balance.examples());
            surprises.stream().limit(MOST_EXAMPLES).forEach(objections::add);
            if (balance.lost() > 0) {
                objections.add(balance.lost() + " deliveries were lost by clients that resume");
            }
            if (absences.errors() > 0) {
                objections.add(
                        "%d connections did not end with 1012: %s".formatted(absences.errors(), absences.endings()));
            }
            return objections;
        }
    }
}
