package dev.sluice.bench.resume;

import dev.sluice.bench.report.Figures;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.report.Template;
import dev.sluice.bench.resume.Resume.Contestant;
import dev.sluice.bench.resume.Resume.Result;
import dev.sluice.bench.resume.Resume.ResumeOptions;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The results as Markdown; it says what peers do better. */
final class Comparison {

    private final Machine machine;
    private final ResumeOptions options;
    private final List<Result> results;

    Comparison(Machine machine, ResumeOptions options, List<Result> results) {
        this.machine = machine;
        this.options = options;
        this.results = results;
    }

    /**
     * Something that is compared.
     *
     * @param badness of which less is better
     */
    private record Row(String name, Function<Result, String> figure, ToDoubleFunction<Result> badness) {

        private static final List<Row> ALL = List.of(
                new Row(
                        "delivered, %",
                        Result::percentage, result -> 1 - result.arrivals().share()),
                new Row(
                        "delivered twice",
                        result -> Figures.number(result.arrivals().again()),
                        result -> result.arrivals().again()),
                new Row(
                        "p50, ms",
                        result -> Figures.millis(result.latencies(), 50),
                        result -> result.latencies().getValueAtPercentile(50)),
                new Row(
                        "p99, ms",
                        result -> Figures.millis(result.latencies(), 99),
                        result -> result.latencies().getValueAtPercentile(99)),
                new Row(
                        "p99 while subscribed, ms",
                        result -> Figures.millis(result.live(), 99),
                        result -> result.live().getValueAtPercentile(99)),
                new Row(
                        "CPU of the server",
                        result -> Figures.seconds(result.cpu()),
                        result -> result.cpu().toNanos()),
                new Row(
                        "CPU of Redis",
                        result -> Figures.seconds(result.redisCpu()),
                        result -> result.redisCpu().toNanos()));

        private String line(List<Result> columns) {
            return "| " + name + " | " + columns.stream().map(figure).collect(Collectors.joining(" | ")) + " |";
        }

        /** In words, which peers are better than Sluice by a tenth or more, if any. */
        private Stream<String> better(List<Result> results) {
            return results.stream()
                    .filter(peer -> peer.contestant() != Contestant.SLUICE)
                    .flatMap(peer -> results.stream()
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
        return Template.of(Comparison.class, "resume.md")
                .fill(
                        "run",
                        "Seed %d, %s clients, %s."
                                .formatted(options.seed(), Figures.number(options.clients()), machine.inWords()))
                .fill(
                        "head",
                        line(result -> result.contestant() + ", "
                                + result.jitter().name().toLowerCase(Locale.ROOT)))
                .fill("ruler", "|---|" + "--:|".repeat(results.size()))
                .fill("rows", Row.ALL.stream().map(row -> row.line(results)).collect(Collectors.joining("\n")))
                .fill("returns", line("returns of clients", result -> Figures.number(result.returns())))
                .fill(
                        "recovered",
                        line(
                                "channels resumed",
                                result -> Figures.number(result.balance().countAnswers(true))))
                .fill(
                        "refused",
                        line(
                                "channels not resumed",
                                result -> Figures.number(result.balance().countAnswers(false))))
                .fill("better", better())
                .text();
    }

    private String line(Function<Result, String> cell) {
        return line("", cell);
    }

    private String line(String name, Function<Result, String> cell) {
        return "| " + name + " | " + results.stream().map(cell).collect(Collectors.joining(" | ")) + " |";
    }

    private String better() {
        String better = Row.ALL.stream().flatMap(row -> row.better(results)).collect(Collectors.joining("\n"));
        return better.isEmpty() ? "Nothing, by a tenth or more." : better;
    }
}
