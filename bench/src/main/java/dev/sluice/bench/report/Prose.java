package dev.sluice.bench.report;

import dev.sluice.bench.report.Results.Ratio;
import dev.sluice.bench.report.Results.Ratio.Measured;
import dev.sluice.bench.report.Results.Row;
import dev.sluice.bench.report.Results.Spread;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Metric;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Sentences of pages that name figures of bench/run; empty while these are not measured. */
final class Prose {

    private static final String SLUICE = "sluice";
    private static final String V2 = "sluice-v2";
    private static final String BEFORE = "sluice-before";
    private static final Map<String, String> PEERS = peers();

    /** What clients of other protocols are called. */
    private static final Map<String, String> PROTOCOLS = protocolNames();

    private final Results results;

    Prose(Results results) {
        this.results = results;
    }

    private static Map<String, String> peers() {
        Map<String, String> names = new LinkedHashMap<>();
        names.put("centrifugo", "Centrifugo");
        names.put("node", "Node relay");
        return names;
    }

    private static Map<String, String> protocolNames() {
        Map<String, String> names = new LinkedHashMap<>();
        names.put(V2, "`sluice.v2`");
        names.put("sluice-sse", "server-sent events");
        names.put("sluice-centrifuge", "Centrifugo's clients");
        return names;
    }

    /** How other protocols compare with v1, for docs/performance.md. */
    String protocols() {
        List<String> parts = new ArrayList<>();
        PROTOCOLS.forEach((contender, name) -> {
            String figures = measured(contender, SLUICE)
                    .map(one -> one.ratio().work().id() + format(" %.0f %%", one.value() * 100))
                    .collect(Collectors.joining(", "));
            if (!figures.isEmpty()) {
                parts.add(name + " " + figures);
            }
        });
        return parts.isEmpty() ? "" : "Against v1, per CPU-second: " + String.join("; ", parts) + ".";
    }

    /** What more connections cost, for docs/performance.md. */
    String curve() {
        return new Curve(results)
                .verdict()
                .map(verdict -> "At 20,000 deliveries a second, each takes " + verdict + ".")
                .orElse("");
    }

    /** What a storm costs clients, for docs/performance.md. */
    String storm() {
        return row(Work.STORM)
                .map(row -> format(
                                "%,.0f clients: all subscribed after ",
                                row.sizes().crowd())
                        + ofSluice(row, Metric.STORM_LENGTH, "%.1f") + " s"
                        + ofPeers(row, name -> name + " ", Metric.STORM_LENGTH, "%.1f")
                        + ", p99 of others " + ofSluice(row, Metric.P99, "%,.0f") + " ms"
                        + ofPeers(row, name -> "", Metric.P99, "%,.0f") + "."
                        + row.spread(V2, Metric.RESUMED)
                                .flatMap(resumed -> row.spread(V2, Metric.STORM_LENGTH))
                                .map(length -> format(" `sluice.v2` resumed after %.1f s.", length.median()))
                                .orElse(""))
                .orElse("");
    }

    private static String ofSluice(Row row, Metric metric, String format) {
        return row.spread(SLUICE, metric)
                .map(spread -> format(format, spread.median()))
                .orElse("–");
    }

    /** Medians in parentheses, with or without names. */
    private static String ofPeers(Row row, UnaryOperator<String> title, Metric metric, String format) {
        String peers = PEERS.entrySet().stream()
                .flatMap(peer -> row.spread(peer.getKey(), metric).stream()
                        .map(spread -> title.apply(peer.getValue()) + format(format, spread.median())))
                .collect(Collectors.joining(", "));
        return peers.isEmpty() ? "" : " (" + peers + ")";
    }

    /** The rounds of storms, for bench/README.md. */
    String returningClients() {
        return row(Work.STORM)
                .map(row -> row.contenders().stream()
                        .map(contender -> course(row, contender))
                        .collect(Collectors.joining("\n")))
                .orElse("");
    }

    private static String course(Row row, String contender) {
        String memory = row.spread(contender, Metric.KB_AFTER_STORM)
                .flatMap(then -> row.spread(contender, Metric.KB_RESTED)
                        .map(later -> "; " + range(then, "%.1f") + " KB for each then, a minute later "
                                + range(later, "%.1f") + " KB"))
                .orElse("");
        String resumed = row.spread(contender, Metric.RESUMED)
                .map(clients -> format(", %,.0f resumed", clients.median()))
                .orElse("");
        return "- `%s`: all subscribed%s after %s s; p99 of others before %s ms, meanwhile %s ms%s"
                .formatted(
                        contender,
                        resumed,
                        range(row, contender, Metric.STORM_LENGTH, "%.1f"),
                        range(row, contender, Metric.CALM_P99, "%,.0f"),
                        range(row, contender, Metric.P99, "%,.0f"),
                        memory);
    }

    private static String range(Row row, String contender, Metric metric, String format) {
        return row.spread(contender, metric)
                .map(spread -> range(spread, format))
                .orElse("–");
    }

    private static String range(Spread spread, String format) {
        String least = format(format, spread.min());
        String most = format(format, spread.max());
        return least.equals(most) ? least : least + " to " + most;
    }

    /** Whether the newest build that was measured against an older one is slower, for bench/README.md. */
    String againstBefore() {
        List<Measured> ratios = measured(SLUICE, BEFORE).toList();
        if (ratios.isEmpty()) {
            return "";
        }
        String builds = ratios.stream()
                .flatMap(one -> results.row(one.ratio().work(), List.of(SLUICE, BEFORE)).stream())
                .map(row -> row.machine().commit() + " against " + row.machine().before())
                .distinct()
                .collect(Collectors.joining("; "));
        String slower = ratios.stream()
                .filter(one -> one.ahead().equals(BEFORE))
                .map(one -> one.ratio().work().id())
                .collect(Collectors.joining(", "));
        return "Per CPU-second, "
                + builds
                + ratios.stream()
                        .map(one -> one.ratio().work().id() + format(" %.2f times", one.value()))
                        .collect(Collectors.joining(", ", ": ", ". "))
                + (slower.isEmpty() ? "Nothing is slower in all rounds." : "Slower in all rounds: " + slower + ".");
    }

    private Stream<Measured> measured(String over, String under) {
        return Ratio.ALL.stream()
                .filter(ratio -> ratio.over().equals(over) && ratio.under().equals(under))
                .flatMap(ratio -> ratio.of(results).stream());
    }

    private Optional<Row> row(Work work) {
        List<String> contenders = new ArrayList<>(PEERS.keySet());
        contenders.add(SLUICE);
        contenders.add(V2);
        return results.row(work, contenders).filter(row -> row.contenders().contains(SLUICE));
    }

    private static String format(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }
}
