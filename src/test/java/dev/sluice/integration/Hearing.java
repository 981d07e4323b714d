package dev.sluice.integration;

import dev.sluice.harness.Histories;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The ways to subscribe to channels on one Redis, which clients must not be able to tell apart. */
enum Hearing {
    PATTERN,
    EXACT;

    /** Returns the ways for which a class starts pods of its own. */
    static List<Hearing> ofOwnPods() {
        return Histories.firstOf(List.of(values()));
    }

    /** Returns the configuration of a separate pod for this way. */
    Map<String, String> with(Map<String, String> config) {
        Map<String, String> all = new HashMap<>(config);
        all.put("sluice.feed.mode", name().toLowerCase(Locale.ROOT));
        return all;
    }
}
