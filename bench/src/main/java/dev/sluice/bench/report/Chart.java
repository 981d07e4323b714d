package dev.sluice.bench.report;

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
import java.util.stream.Stream;

/** A picture of figures: a panel of bars for each workload, each with its own scale. */
final class Chart {

    private static final String OTHERS = "others";

    private static final int WIDTH = 760;
    private static final int MARGIN = 28;
    private static final int LABELS = 168;
    private static final int FIGURES = 104;
    private static final int HEAD = 84;
    private static final int PANEL_HEAD = 34;
    private static final int PANEL_GAP = 20;
    private static final int ROW = 28;
    private static final int BAR = 18;
    private static final int FOOT = 44;

    /** The colours follow the reader's scheme, also if the picture is embedded as an image. */
    private static final String STYLE = """
            <style>
              text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
              .card { fill: #ffffff; stroke: #d0d7de }
              .title { fill: #1f2328; font-size: 19px; font-weight: 600 }
              .panel { fill: #1f2328; font-size: 14px; font-weight: 600 }
              .label { fill: #424a53; font-size: 13px }
              .figure { fill: #1f2328; font-size: 13px; font-variant-numeric: tabular-nums }
              .own { font-weight: 600 }
              .quiet { fill: #656d76; font-size: 12px }
              .bar { fill: #afb8c1 }
              .bar.own { fill: #0969da }
              .bar.kin { fill: #80b8f4 }
              .range { stroke: #1f2328; stroke-width: 1.5; opacity: .55 }
              @media (prefers-color-scheme: dark) {
                .card { fill: #0d1117; stroke: #30363d }
                .title, .panel, .figure { fill: #e6edf3 }
                .label { fill: #c9d1d9 }
                .quiet { fill: #8d96a0 }
                .bar { fill: #484f58 }
                .bar.own { fill: #4493f8 }
                .bar.kin { fill: #23528c }
                .range { stroke: #e6edf3 }
              }
            </style>
            """;

    /** @param style differs for Sluice, its variants, and the others */
    private record Bar(String label, String style, Spread value) {}

    private record Panel(String title, String unit, String format, List<Bar> bars) {

        int height() {
            return PANEL_HEAD + bars.size() * ROW + PANEL_GAP;
        }

        double longest() {
            return bars.stream().mapToDouble(bar -> bar.value().max()).max().orElseThrow();
        }
    }

    /** What the lengths of bars may be compared with. */
    private enum Scale {
        OWN("each panel to its own scale"),
        COMMON("all panels to one scale");

        private final String inWords;

        Scale(String inWords) {
            this.inWords = inWords;
        }
    }

    /** Where a chart shows one row of a workload, it is that with the most of these. */
    private static final List<String> CONTENDERS =
            List.of("sluice", "centrifugo", "socket.io", "node", "nchan", "sluice-v2", "sluice-stream");

    private static final String PER_CPU_SECOND = "What one CPU-second of the server gets done";

    private final String name;
    private final String title;
    private final String explanation;
    private final Scale scale;
    private final List<Panel> panels;
    private final Results results;
    private final StringBuilder svg = new StringBuilder();

    private Chart(
            Results results, String name, String title, String explanation, Scale scale, List<Optional<Panel>> panels) {
        this.results = results;
        this.name = name;
        this.title = title;
        this.explanation = explanation;
        this.scale = scale;
        this.panels = panels.stream().flatMap(Optional::stream).toList();
    }

    /** All charts of which anything was measured, by their files. */
    static Map<String, Chart> all(Results results) {
        Map<String, Chart> charts = new LinkedHashMap<>();
        charts.put(
                "chart.svg",
                new Chart(
                        results,
                        "Throughput",
                        PER_CPU_SECOND,
                        "Payloads of 200 bytes over WebSocket; longer is better",
                        Scale.OWN,
                        List.of(
                                throughput(results, Work.FAN_OUT, "One channel, 1,000 listeners", "deliveries"),
                                throughput(results, Work.DIRECT, "1,000 users, a channel each", "deliveries"),
                                throughput(results, Work.DISCARD, "Channels without listeners", "publications"),
                                throughput(results, Work.RETAINED, "The same, retaining the newest", "publications"))));
        charts.put(
                "connections.svg",
                new Chart(
                        results,
                        "Throughput by number of connections",
                        PER_CPU_SECOND,
                        "20,000 deliveries a second, in turn to each connection; longer is better",
                        Scale.COMMON,
                        List.of(
                                throughput(results, Work.CONNECTIONS_1, "1 connection", "deliveries"),
                                throughput(results, Work.CONNECTIONS_10, "10 connections", "deliveries"),
                                throughput(results, Work.CONNECTIONS_100, "100 connections", "deliveries"),
                                throughput(results, Work.CONNECTIONS_1000, "1,000 connections", "deliveries"),
                                throughput(results, Work.CONNECTIONS_10000, "10,000 connections", "deliveries"),
                                throughput(results, Work.CONNECTIONS_19000, "19,000 connections", "deliveries"),
                                throughput(results, Work.CONNECTIONS_40000, "40,000 connections", "deliveries"))));
        charts.put(
                "payloads.svg",
                new Chart(
                        results,
                        "Throughput by size of payloads",
                        PER_CPU_SECOND,
                        "1,000 deliveries a second, in turn to 1,000 connections; longer is better",
                        Scale.COMMON,
                        List.of(
                                throughput(results, Work.PAYLOAD_20, "20 bytes", "deliveries"),
                                throughput(results, Work.PAYLOAD_2000, "2,000 bytes", "deliveries"),
                                throughput(results, Work.PAYLOAD_64000, "64,000 bytes", "deliveries"))));
        charts.put(
                "latency.svg",
                new Chart(
                        results,
                        "Latency",
                        "From publishing until the client has it, ms",
                        "20,000 deliveries a second; shorter is better",
                        Scale.OWN,
                        List.of(
                                latency(results, Work.CONNECTIONS_1000, "1,000 users in turn", Metric.P50),
                                latency(results, Work.CONNECTIONS_1000, "1,000 users in turn", Metric.P99),
                                latency(results, Work.PACED, "One channel, 1,000 listeners", Metric.P50),
                                latency(results, Work.PACED, "One channel, 1,000 listeners", Metric.P99))));
        charts.values().removeIf(chart -> chart.panels.isEmpty());
        return charts;
    }

    private static Optional<Panel> throughput(Results results, Work work, String title, String unit) {
        return panel(results, work, title, unit + " per CPU-second", Metric.PER_CPU_SECOND, "%,.0f");
    }

    private static Optional<Panel> latency(Results results, Work work, String title, Metric metric) {
        return panel(results, work, title, metric == Metric.P50 ? "p50, ms" : "p99, ms", metric, "%,.2f");
    }

    private static Optional<Panel> panel(
            Results results, Work work, String title, String unit, Metric metric, String format) {
        return results.row(work, CONTENDERS)
                .map(row -> new Panel(title, unit + ", at " + row.measured(), format, bars(row, metric)));
    }

    private static List<Bar> bars(Row row, Metric metric) {
        List<Bar> bars = new ArrayList<>();
        for (String contender : row.contenders()) {
            row.spread(contender, metric).ifPresent(value -> bars.add(new Bar(contender, style(contender), value)));
        }
        return bars;
    }

    private static String style(String contender) {
        if (contender.equals("sluice")) {
            return "own";
        }
        return contender.startsWith("sluice") ? "kin" : OTHERS;
    }

    /** What links to it say. */
    String name() {
        return name;
    }

    String svg() {
        int height = HEAD + panels.stream().mapToInt(Panel::height).sum() + FOOT;
        add(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\""
                        + " aria-label=\"%s\">",
                WIDTH, height, WIDTH, height, title);
        svg.append(STYLE);
        add("<rect class=\"card\" x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"10\"/>", WIDTH - 1, height - 1);
        text("title", MARGIN, 40, "start", title);
        text("quiet", MARGIN, 62, "start", explanation + ", " + scale.inWords);
        int y = HEAD;
        for (Panel panel : panels) {
            panel(panel, y);
            y += panel.height();
        }
        text("quiet", MARGIN, height - 22, "start", method());
        return svg.append("</svg>\n").toString();
    }

    private String method() {
        return "Server alone on one core of %s; median of rounds, line: least to most"
                .formatted(results.rows().get(0).machine().cpu());
    }

    private void panel(Panel panel, int top) {
        text("panel", MARGIN, top + 16, "start", panel.title());
        text("quiet", WIDTH - MARGIN, top + 16, "end", panel.unit());
        double perUnit = (WIDTH - 2 * MARGIN - LABELS - FIGURES) / longest(panel);
        int y = top + PANEL_HEAD;
        for (Bar bar : panel.bars()) {
            bar(bar, panel.format(), y, perUnit);
            y += ROW;
        }
    }

    /** The length of the longest bar at the scale of the panel. */
    private double longest(Panel panel) {
        Stream<Panel> compared = scale == Scale.OWN ? Stream.of(panel) : panels.stream();
        return compared.mapToDouble(Panel::longest).max().orElseThrow();
    }

    private void bar(Bar bar, String format, int top, double perUnit) {
        int left = MARGIN + LABELS;
        double width = bar.value().median() * perUnit;
        double least = left + bar.value().min() * perUnit;
        double most = left + bar.value().max() * perUnit;
        double middle = top + BAR / 2.0;
        text("label " + bar.style(), left - 12, top + 14, "end", bar.label());
        add(
                "<rect class=\"bar %s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"3\"/>",
                bar.style(), left, top, width, BAR);
        add("<line class=\"range\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", least, middle, most, middle);
        text(
                "figure " + bar.style(),
                (int) Math.max(left + width, most) + 8,
                top + 14,
                "start",
                String.format(Locale.ROOT, format, bar.value().median()));
    }

    private void text(String styles, int x, int y, String anchor, String text) {
        String escaped = text.replace("&", "&amp;").replace("<", "&lt;");
        add("<text class=\"%s\" x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>", styles, x, y, anchor, escaped);
    }

    private void add(String format, Object... arguments) {
        svg.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }
}
