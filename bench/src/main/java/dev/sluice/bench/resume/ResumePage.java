package dev.sluice.bench.resume;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Books.Arrivals;
import dev.sluice.bench.process.Check.Finding;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.report.Markdown;
import dev.sluice.bench.resume.Resume.Contestant;
import dev.sluice.bench.traffic.Jitter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/** The results as Markdown; it says what peers do better. */
final class ResumePage {

    private final Machine machine;
    private final long seed;
    private final int clients;
    private final List<ResumeFinding> findings;

    ResumePage(Machine machine, long seed, int clients, List<ResumeFinding> findings) {
        this.machine = machine;
        this.seed = seed;
        this.clients = clients;
        this.findings = findings;
    }

    /**
     * Something that is compared.
     *
     * @param badness of which less is better
     */
    private record Row(String name, Function<ResumeFinding, String> figure, ToDoubleFunction<ResumeFinding> badness) {

        private static final List<Row> ALL = List.of(
                new Row(
                        "delivered, %",
                        ResumeFinding::percentage,
                        result -> 1 - result.arrivals().share()),
                new Row(
                        "delivered twice",
                        result -> Markdown.number(result.arrivals().again()),
                        result -> result.arrivals().again()),
                new Row(
                        "p50, ms",
                        result -> Markdown.millis(result.latencies(), 50),
                        result -> result.latencies().getValueAtPercentile(50)),
                new Row(
                        "p99, ms",
                        result -> Markdown.millis(result.latencies(), 99),
                        result -> result.latencies().getValueAtPercentile(99)),
                new Row(
                        "p99 while subscribed, ms",
                        result -> Markdown.millis(result.live(), 99),
                        result -> result.live().getValueAtPercentile(99)),
                new Row(
                        "CPU of the server",
                        result -> Markdown.seconds(result.cpu()),
                        result -> result.cpu().toNanos()),
                new Row(
                        "CPU of Redis",
                        result -> Markdown.seconds(result.redisCpu()),
                        result -> result.redisCpu().toNanos()));

        private String line(List<ResumeFinding> columns) {
            return "| " + name + " | " + columns.stream().map(figure).collect(Collectors.joining(" | ")) + " |";
        }

        /** In words, which peers are better than Sluice by a tenth or more, if any. */
        private Stream<String> better(List<ResumeFinding> findings) {
            return findings.stream()
                    .filter(peer -> peer.contestant() != Contestant.SLUICE)
                    .flatMap(peer -> findings.stream()
                            .filter(sluice -> sluice.contestant() == Contestant.SLUICE
                                    && sluice.jitter() == peer.jitter()
                                    && badness.applyAsDouble(peer) < 0.9 * badness.applyAsDouble(sluice))
                            .map(sluice -> "- %s, %s: %s %s, Sluice %s"
                                    .formatted(
                                            name,
                                            sluice.jitter().name().toLowerCase(Locale.ROOT),
                                            peer.contestant(),
                                            figure.apply(peer),
                                            figure.apply(sluice))));
        }
    }

    String markdown() {
        return Markdown.of(ResumePage.class, "resume.md")
                .fill("run", "Seed %d, %s clients, %s.".formatted(seed, Markdown.number(clients), machine.inWords()))
                .fill(
                        "head",
                        line(result -> result.contestant() + ", "
                                + result.jitter().name().toLowerCase(Locale.ROOT)))
                .fill("ruler", "|---|" + "--:|".repeat(findings.size()))
                .fill("rows", Row.ALL.stream().map(row -> row.line(findings)).collect(Collectors.joining("\n")))
                .fill("returns", line("returns of clients", result -> Markdown.number(result.returns())))
                .fill(
                        "recovered",
                        line(
                                "channels resumed",
                                result -> Markdown.number(result.balance().countAnswers(true))))
                .fill(
                        "refused",
                        line(
                                "channels not resumed",
                                result -> Markdown.number(result.balance().countAnswers(false))))
                .fill("better", better())
                .text();
    }

    private String line(Function<ResumeFinding, String> cell) {
        return line("", cell);
    }

    private String line(String name, Function<ResumeFinding, String> cell) {
        return "| " + name + " | " + findings.stream().map(cell).collect(Collectors.joining(" | ")) + " |";
    }

    private String better() {
        String better = Row.ALL.stream().flatMap(row -> row.better(findings)).collect(Collectors.joining("\n"));
        return better.isEmpty() ? "Nothing, by a tenth or more." : better;
    }

    /**
     * What came of a trial.
     *
     * @param arrivals of what was published while networks jittered
     * @param latencies of the same, in nanoseconds, the absence of clients included
     * @param live of what was published while its receiver was subscribed
     * @param returns of clients
     * @param balance of the whole trial
     * @param cpu of the server while networks jittered
     * @param redisCpu and of Redis
     * @param surprises what was said to clients and never should be
     */
    record ResumeFinding(
            Contestant contestant,
            Jitter jitter,
            Arrivals arrivals,
            Histogram latencies,
            Histogram live,
            long returns,
            Balance balance,
            Duration cpu,
            Duration redisCpu,
            List<String> surprises)
            implements Finding {

        private static final int MOST_EXAMPLES = 10;

        /** {@inheritDoc} Peers may do what they like. */
        @Override
        public List<String> objections() {
            List<String> objections = new ArrayList<>();
            if (contestant == Contestant.SLUICE) {
                objections.addAll(balance.examples());
                surprises.stream().limit(MOST_EXAMPLES).forEach(objections::add);
                if (arrivals.came() < arrivals.due() || arrivals.again() > 0) {
                    objections.add("%,d deliveries were lost and %,d came twice"
                            .formatted(arrivals.due() - arrivals.came(), arrivals.again()));
                }
                if (balance.countAnswers(true) == 0) {
                    objections.add("no channel was resumed");
                }
            }
            return objections;
        }

        @Override
        public String summary() {
            return String.format(
                    Locale.ROOT,
                    "%s%% of %,d came, %,d twice; p50 %s ms, p99 %s ms; live p99 %s ms; %,d returns; %,d channels recovered, %,d not; CPU %s, Redis %s%s",
                    percentage(),
                    arrivals.due(),
                    arrivals.again(),
                    Markdown.millis(latencies, 50),
                    Markdown.millis(latencies, 99),
                    Markdown.millis(live, 99),
                    returns,
                    balance.countAnswers(true),
                    balance.countAnswers(false),
                    Markdown.seconds(cpu),
                    Markdown.seconds(redisCpu),
                    surprises.isEmpty() ? "" : "; %,d surprises".formatted(surprises.size()));
        }

        /** What came of what was due; rounded down, so that 100 means all. */
        String percentage() {
            return String.format(Locale.ROOT, "%.2f", Math.floor(arrivals.share() * 10_000) / 100);
        }
    }
}
