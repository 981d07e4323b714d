package dev.sluice.bench.attack;

import dev.sluice.harness.Pod;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a pod's metrics said at one moment.
 *
 * @param values by their names and tags, as Prometheus writes them
 */
record PodMetrics(Map<String, Double> values) {

    private static final Pattern COUNTER =
            Pattern.compile("sluice_(refused|disconnects|auth_failures)_total\\{(?:limit|reason)=\"(.*)\"}");

    static PodMetrics of(Pod pod) {
        return read(String.join("\n", pod.metrics()));
    }

    /** Those of Sluice's own in Prometheus's text. */
    static PodMetrics read(String text) {
        Map<String, Double> values = new HashMap<>();
        text.lines().filter(line -> line.startsWith("sluice_")).forEach(line -> {
            int space = line.lastIndexOf(' ');
            values.put(line.substring(0, space), Double.parseDouble(line.substring(space + 1)));
        });
        return new PodMetrics(values);
    }

    /** What it has refused, cut off and not believed since, by what is counted and the limit or reason. */
    Map<String, Long> since(PodMetrics before) {
        Map<String, Long> counted = new TreeMap<>();
        values.forEach((name, value) -> {
            Matcher counter = COUNTER.matcher(name);
            long more = Math.round(value - before.values.getOrDefault(name, 0.0));
            if (counter.matches() && more > 0) {
                counted.put(counter.group(1) + " " + counter.group(2), more);
            }
        });
        return counted;
    }

    /** What is different from then, in words: who is here that was not, and what waits; empty where nothing does. */
    List<String> remains(PodMetrics before) {
        return Stream.of(
                        "sluice_connections{state=\"unauthenticated\"}",
                        "sluice_connections{state=\"authenticated\"}",
                        "sluice_users",
                        "sluice_subscriptions",
                        "sluice_outbox_pending_bytes",
                        "sluice_inbound_pending_bytes")
                .filter(name -> !Objects.equals(values.get(name), before.values.get(name)))
                .map(name -> "%s is %s and was %s".formatted(name, values.get(name), before.values.get(name)))
                .toList();
    }
}
