package dev.sluice.integration;

import dev.sluice.harness.Histories;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The two ways to write frames to a socket, which must behave alike. */
enum Way {
    DIRECT,
    STANDARD;

    /** Returns the ways for which a class starts pods of its own. */
    static List<Way> ofOwnPods() {
        return Histories.firstOf(List.of(values()));
    }

    /** Returns the configuration of a separate pod for this way. */
    Map<String, String> with(Map<String, String> config) {
        Map<String, String> all = new HashMap<>(config);
        all.put("sluice.outbox.wire", name().toLowerCase(Locale.ROOT));
        return all;
    }
}
