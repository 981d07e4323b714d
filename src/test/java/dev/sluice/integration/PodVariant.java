package dev.sluice.integration;

import dev.sluice.harness.Histories;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A value of a key that clients must not notice, so that some tests run with each. */
enum PodVariant {
    DIRECT("sluice.outbox.wire"),
    STANDARD("sluice.outbox.wire"),
    PATTERN("sluice.feed.mode"),
    EXACT("sluice.feed.mode");

    private final String key;

    PodVariant(String key) {
        this.key = key;
    }

    /** Returns those of the key that decides how frames are written to a socket. */
    static List<PodVariant> wires() {
        return List.of(DIRECT, STANDARD);
    }

    /** Returns those of them for which a class starts pods of its own. */
    static List<PodVariant> wiresOfOwnPods() {
        return Histories.firstOf(wires());
    }

    /** Returns the ways to subscribe on one Redis for which a class starts pods of its own. */
    static List<PodVariant> feedsOfOwnPods() {
        return Histories.firstOf(List.of(PATTERN, EXACT));
    }

    /** Returns the configuration of a separate pod with this value. */
    Map<String, String> with(Map<String, String> config) {
        Map<String, String> all = new HashMap<>(config);
        all.put(key, name().toLowerCase(Locale.ROOT));
        return all;
    }
}
