package dev.sluice.integration;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A metric of Sluice, as Prometheus sees it.
 *
 * @param tags their values, where the configuration has no say in them
 */
record Metric(String type, Map<String, Set<String>> tags) {

    private static final Path DOCUMENTATION = Path.of("docs", "operations.md");
    private static final Map<String, String> TYPES =
            Map.of("Histograms", "histogram", "Gauges", "gauge", "Counters", "counter");

    /** An entry of a list: names, text, and tags with their values. */
    private static final Pattern ENTRY = Pattern.compile("- (`.*?)(?:: .*?)?(?: Tags? (.*))?");

    private static final Pattern NAME = Pattern.compile("`(sluice\\.[a-z.]+)`");
    private static final Pattern QUOTED = Pattern.compile("`([a-z0-9_-]+)`");

    private static final Pattern TYPE = Pattern.compile("# TYPE (sluice_[a-z_]+) ([a-z]+)");
    private static final Pattern LINE = Pattern.compile("(sluice_[a-z_]+)\\{(.*)} \\S+");
    private static final Pattern LABEL = Pattern.compile("([a-z]+)=\"([^\"]*)\"");
    private static final String ROUTE = "route";

    /** Returns the documented metrics by name, without units, including those that Prometheus derives from histograms. */
    static Map<String, Metric> documented() {
        Map<String, Metric> metrics = new TreeMap<>();
        String type = "";
        for (String line : entries()) {
            String before = type;
            type = TYPES.entrySet().stream()
                    .filter(section -> line.startsWith(section.getKey()))
                    .map(Map.Entry::getValue)
                    .findFirst()
                    .orElse(line.startsWith("#") ? "" : before);
            Matcher entry = ENTRY.matcher(line);
            if (!type.isEmpty() && entry.matches()) {
                Matcher name = NAME.matcher(entry.group(1));
                while (name.find()) {
                    String bare = bare(name.group(1).replace('.', '_'));
                    metrics.put(bare, new Metric(type, documentedTags(entry.group(2) == null ? "" : entry.group(2))));
                    if (type.equals("histogram")) {
                        metrics.put(bare + "_max", new Metric("gauge", Map.of()));
                    }
                }
            }
        }
        return metrics;
    }

    /** Returns a pod's metrics by name, without units. */
    static Map<String, Metric> of(List<String> lines) {
        Map<String, Metric> metrics = new TreeMap<>();
        for (String line : lines) {
            Matcher type = TYPE.matcher(line);
            if (type.matches()) {
                metrics.put(
                        bare(type.group(1).replaceFirst("_total$", "")), new Metric(type.group(2), new TreeMap<>()));
            }
        }
        for (String line : lines) {
            Matcher series = LINE.matcher(line);
            if (series.matches()) {
                Metric metric = metrics.get(bare(series.group(1).replaceFirst("_(total|bucket)$", "")));
                Matcher label = LABEL.matcher(series.group(2));
                while (label.find()) {
                    if (!label.group(1).equals("le")) {
                        add(metric.tags, label.group(1), label.group(2));
                    }
                }
            }
        }
        return metrics;
    }

    private static String bare(String name) {
        return name.replaceFirst("_(bytes|seconds)(_max)?$", "$2");
    }

    private static Map<String, Set<String>> documentedTags(String cell) {
        Map<String, Set<String>> tags = new TreeMap<>();
        for (String part : cell.split(";", -1)) {
            Matcher quoted = QUOTED.matcher(part);
            if (quoted.find()) {
                String tag = quoted.group(1);
                tags.computeIfAbsent(tag, x -> new TreeSet<>());
                while (quoted.find()) {
                    add(tags, tag, quoted.group(1));
                }
            }
        }
        return tags;
    }

    private static void add(Map<String, Set<String>> tags, String tag, String value) {
        Set<String> values = tags.computeIfAbsent(tag, x -> new TreeSet<>());
        if (!tag.equals(ROUTE)) {
            values.add(value);
        }
    }

    /** Returns the lines of the page, each with those that continue it. */
    private static List<String> entries() {
        try {
            return Files.readString(DOCUMENTATION).replace("\n  ", " ").lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
