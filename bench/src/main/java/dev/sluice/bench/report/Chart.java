package dev.sluice.bench.report;

import dev.sluice.bench.report.Results.Spread;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Metric;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** A picture of the throughput per CPU-second: a panel of bars for each workload, each with its own scale. */
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

    private record Panel(String title, String unit, List<Bar> bars) {

        int height() {
            return PANEL_HEAD + bars.size() * ROW + PANEL_GAP;
        }

        double most() {
            return bars.stream().mapToDouble(bar -> bar.value().max()).max().orElseThrow();
        }
    }

    private final List<Panel> panels;
    private final Results results;
    private final StringBuilder svg = new StringBuilder();

    private Chart(Results results, List<Panel> panels) {
        this.results = results;
        this.panels = panels;
    }

    static Chart of(Results results) {
        List<Panel> panels = new ArrayList<>();
        panels.add(new Panel(
                "One channel, %,d listeners".formatted(results.sizes().connections()),
                "deliveries",
                bars(results, Work.FAN_OUT, "")));
        panels.add(new Panel(
                "%,d users, a channel each".formatted(results.sizes().connections()),
                "deliveries",
                bars(results, Work.DIRECT, "")));
        List<Bar> unwanted = new ArrayList<>(bars(results, Work.DISCARD, ""));
        unwanted.addAll(bars(results, Work.RETAINED, ", remembering"));
        unwanted.sort(Comparator.comparing(bar -> bar.style().equals(OTHERS)));
        panels.add(new Panel("Channels without listeners", "publications", unwanted));
        return new Chart(
                results,
                panels.stream().filter(panel -> !panel.bars().isEmpty()).toList());
    }

    private static List<Bar> bars(Results results, Work work, String suffix) {
        List<Bar> bars = new ArrayList<>();
        for (String contender : results.contenders(work)) {
            results.spread(work, contender, Metric.PER_CPU_SECOND)
                    .ifPresent(value -> bars.add(new Bar(contender + suffix, style(contender), value)));
        }
        return bars;
    }

    private static String style(String contender) {
        if (contender.equals("sluice")) {
            return "own";
        }
        return contender.startsWith("sluice") ? "kin" : OTHERS;
    }

    String svg() {
        int height = HEAD + panels.stream().mapToInt(Panel::height).sum() + FOOT;
        add(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\""
                        + " aria-label=\"What one CPU-second of the server gets done\">",
                WIDTH, height, WIDTH, height);
        svg.append(STYLE);
        add("<rect class=\"card\" x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"10\"/>", WIDTH - 1, height - 1);
        text("title", MARGIN, 40, "start", "What one CPU-second of the server gets done");
        text(
                "quiet",
                MARGIN,
                62,
                "start",
                "Payloads of 200 bytes over WebSocket; longer is better, each panel to its own scale");
        int y = HEAD;
        for (Panel panel : panels) {
            panel(panel, y);
            y += panel.height();
        }
        text("quiet", MARGIN, height - 22, "start", method());
        return svg.append("</svg>\n").toString();
    }

    private String method() {
        return "Server alone on one core of %s; median of rounds, line: least to most; Sluice %s, %s"
                .formatted(
                        results.machine().cpu(),
                        results.machine().commit(),
                        results.machine().date());
    }

    private void panel(Panel panel, int top) {
        text("panel", MARGIN, top + 16, "start", panel.title());
        text("quiet", WIDTH - MARGIN, top + 16, "end", panel.unit() + " per CPU-second");
        double perUnit = (WIDTH - 2 * MARGIN - LABELS - FIGURES) / panel.most();
        int y = top + PANEL_HEAD;
        for (Bar bar : panel.bars()) {
            bar(bar, y, perUnit);
            y += ROW;
        }
    }

    private void bar(Bar bar, int top, double perUnit) {
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
                "%,.0f".formatted(bar.value().median()));
    }

    private void text(String styles, int x, int y, String anchor, String text) {
        String escaped = text.replace("&", "&amp;").replace("<", "&lt;");
        add("<text class=\"%s\" x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>", styles, x, y, anchor, escaped);
    }

    private void add(String format, Object... arguments) {
        svg.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }
}
