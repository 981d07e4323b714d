package dev.sluice.bench.report;

import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;

import dev.sluice.bench.process.Page;
import dev.sluice.bench.process.Page.Column;
import dev.sluice.bench.report.Results.Spread;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What bench/fleet measured, as it is published. */
public final class FleetReport {

    private static final String RESULTS = "bench/results/results.md";
    private static final String OPERATIONS = "docs/operations.md";

    /** Crossings are told in steps of this many percent. */
    private static final int STEP = 5;

    private static final int ALL = 100;

    private FleetReport() {}

    /** How pods subscribe: the values of {@code sluice.feed.mode} that are compared. */
    public enum Mode {
        PATTERN,
        EXACT;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What one round measured of Redis.
     *
     * @param wanted the part of the channels that a pod wants, in percent
     * @param micros the CPU time for a publication
     * @param bytes that all pods get for a publication
     * @param messages that a pod gets for 100 publications
     */
    public record RedisCost(Mode mode, int pods, int wanted, double micros, double bytes, double messages) {}

    /**
     * What one round measured of a pod.
     *
     * @param wanted the part of the channels to which its clients listen, in percent
     * @param micros the CPU time for a publication on one of the channels, without what the pod takes when nothing is published
     * @param idle what it takes then, in percent of a core
     * @param delivered to its clients in a second
     */
    public record PodCost(Mode mode, int wanted, double micros, double idle, double delivered) {}

    /**
     * What one round measured of the clients of a pod that was killed.
     *
     * @param seconds from then until another pod had answered all of them
     * @param failed their failed attempts to connect
     * @param commands that the other pod sent to subscribe
     * @param p99Before of the latencies of another client of that pod before, in milliseconds
     * @param p99 of its latencies meanwhile
     */
    public record Joins(Mode mode, double seconds, int failed, long commands, double p99Before, double p99) {}

    /**
     * One of the measurements of bench/fleet. It can be published without the others, because it has parts of pages of its own.
     *
     * @param name of its parts
     * @param advice what {@code docs/operations.md} says that the mode exact saves, and when; empty if it says nothing of that
     */
    public record Section(String name, String table, Optional<String> advice) {

        /** Writes the pages of the repository anew. */
        public void write(Path root, String run) throws IOException {
            for (Map.Entry<String, String> file : files(root, run).entrySet()) {
                Files.writeString(root.resolve(file.getKey()), file.getValue());
            }
        }

        /**
         * The pages, by their paths.
         *
         * @param run how it was measured, in words
         */
        Map<String, String> files(Path root, String run) throws IOException {
            Map<String, String> files = new LinkedHashMap<>();
            files.put(
                    RESULTS,
                    page(root, RESULTS)
                            .writeLines("run", run)
                            .writeLines("figures", table)
                            .text());
            if (advice.isPresent()) {
                files.put(
                        OPERATIONS,
                        page(root, OPERATIONS).write("advice", advice.get()).text());
            }
            return files;
        }

        private Page page(Path root, String file) throws IOException {
            return Page.read(root.resolve(file), "fleet-" + name);
        }
    }

    /** What a publication costs Redis. */
    public static Section redis(List<RedisCost> measured) {
        return new Section(
                "redis",
                Page.table(
                        Rounds.of(measured, each -> List.of(each.pods, each.mode, each.wanted)),
                        List.of(
                                figure("pods", each -> "" + each.first().pods),
                                text("mode", each -> redisMode(each.first())),
                                ranged("Redis's CPU per publication, µs", "%.1f", RedisCost::micros),
                                figure(
                                        "bytes to all pods per publication",
                                        each -> Page.grouped(Math.round(each.first().bytes))),
                                figure(
                                        "messages per pod and 100 publications",
                                        each -> Page.grouped(Math.round(each.first().messages))),
                                rounds())),
                advice(
                        measured.stream().collect(Collectors.groupingBy(RedisCost::pods)).values().stream()
                                .map(FleetReport::redisCrossing),
                        "Redis's CPU if each pod wants less than %d %% of the channels",
                        "Redis's CPU, however many of the channels each pod wants",
                        "no CPU of Redis"));
    }

    /** The crossing for one number of pods. What patterns cost does not depend on what is wanted. */
    private static OptionalInt redisCrossing(List<RedisCost> measured) {
        return crossing(measured, RedisCost::mode, one -> one.mode == Mode.PATTERN ? 0 : one.wanted, RedisCost::micros);
    }

    private static String redisMode(RedisCost one) {
        return one.mode == Mode.PATTERN ? "pattern" : "exact, " + one.wanted + " % wanted";
    }

    /** What a publication costs a pod. */
    public static Section pods(List<PodCost> measured) {
        return new Section(
                "pod",
                Page.table(
                        Rounds.of(measured, each -> List.of(each.wanted, each.mode)),
                        List.of(
                                figure("channels wanted", each -> each.first().wanted + " %"),
                                text("mode", each -> each.first().mode.toString()),
                                ranged("CPU per publication, µs", "%.2f", PodCost::micros),
                                ranged("CPU without publications, % of a core", "%.1f", PodCost::idle),
                                ranged("deliveries per second", "%,.0f", PodCost::delivered),
                                rounds())),
                advice(
                        measured.isEmpty()
                                ? Stream.empty()
                                : Stream.of(crossing(measured, PodCost::mode, PodCost::wanted, PodCost::micros)),
                        "a pod's below %d %%",
                        "a pod's in any case",
                        "not a pod's"));
    }

    /** How long the clients of a pod that was killed wait. */
    public static Section joins(List<Joins> measured) {
        return new Section(
                "joins",
                Page.table(
                        Rounds.of(measured, each -> List.of(each.mode)),
                        List.of(
                                text("mode", each -> each.first().mode.toString()),
                                ranged("seconds until all are answered", "%.2f", Joins::seconds),
                                ranged("failed attempts", "%,.0f", Joins::failed),
                                ranged("SUBSCRIBE commands", "%,.0f", Joins::commands),
                                ranged("another client's p99 ms before", "%,.1f", Joins::p99Before),
                                ranged("meanwhile", "%,.1f", Joins::p99),
                                rounds())),
                Optional.empty());
    }

    /**
     * What the mode exact saves, and when.
     *
     * @param crossings of which the least counts
     */
    private static Optional<String> advice(Stream<OptionalInt> crossings, String below, String always, String never) {
        return crossings
                .map(crossing -> crossing.orElse(ALL))
                .min(Comparator.naturalOrder())
                .map(least -> least == 0 ? never : least == ALL ? always : below.formatted(least));
    }

    /**
     * The part of the channels, in percent, from which on the mode exact takes at least as much CPU as the mode pattern: where the lines between
     * the medians cross, rounded down. Empty if it takes less at all measured parts.
     *
     * @param wanted the part that a measurement is of, or 0 if it holds for all
     */
    static <T> OptionalInt crossing(
            List<T> measured, Function<T, Mode> mode, ToIntFunction<T> wanted, ToDoubleFunction<T> cpu) {
        SortedMap<Integer, Double> pattern = medians(measured, one -> mode.apply(one) == Mode.PATTERN, wanted, cpu);
        SortedMap<Integer, Double> exact = medians(measured, one -> mode.apply(one) == Mode.EXACT, wanted, cpu);
        int before = 0;
        double lessBefore = 0;
        for (Map.Entry<Integer, Double> each : exact.entrySet()) {
            double less = pattern.getOrDefault(each.getKey(), pattern.get(0)) - each.getValue();
            if (less <= 0) {
                double crossing = before + (each.getKey() - before) * lessBefore / (lessBefore - less);
                return OptionalInt.of(lessBefore == 0 ? 0 : (int) crossing / STEP * STEP);
            }
            before = each.getKey();
            lessBefore = less;
        }
        return OptionalInt.empty();
    }

    private static <T> SortedMap<Integer, Double> medians(
            List<T> measured, Predicate<T> of, ToIntFunction<T> wanted, ToDoubleFunction<T> cpu) {
        return measured.stream()
                .filter(of)
                .collect(Collectors.groupingBy(
                        wanted::applyAsInt,
                        TreeMap::new,
                        Collectors.collectingAndThen(
                                Collectors.toList(),
                                all -> new Rounds<>(all).spread(cpu).median())));
    }

    private static <T> Column<Rounds<T>> ranged(String title, String format, ToDoubleFunction<T> value) {
        return figure(title, each -> each.spread(value).ranged(format));
    }

    private static <T> Column<Rounds<T>> rounds() {
        return Column.count("rounds", each -> (long) each.all().size());
    }

    /** What all rounds measured for one row of a table. */
    private record Rounds<T>(List<T> all) {

        /**
         * The rows, in the order of their first rounds.
         *
         * @param row what those of one row have in common
         */
        static <T> List<Rounds<T>> of(List<T> measured, Function<T, List<?>> row) {
            Map<List<?>, List<T>> rows =
                    measured.stream().collect(Collectors.groupingBy(row, LinkedHashMap::new, Collectors.toList()));
            return rows.values().stream().map(Rounds::new).toList();
        }

        T first() {
            return all.get(0);
        }

        Spread spread(ToDoubleFunction<T> value) {
            return Spread.of(all.stream().mapToDouble(value).toArray());
        }
    }
}
