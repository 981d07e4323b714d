package dev.sluice.integration;

import dev.sluice.harness.Pod;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The ways frames go to a socket. What tests say of one must hold of the other. */
enum Way {
    DIRECT,
    STANDARD;

    /** The shared pod that goes this way. */
    Pod pod() {
        return this == DIRECT ? Stage.POD : Stage.Standard.POD;
    }

    /** The configuration of a pod of one's own that goes this way. */
    Map<String, String> with(Map<String, String> config) {
        Map<String, String> all = new HashMap<>(config);
        all.put("sluice.outbox.wire", name().toLowerCase(Locale.ROOT));
        return all;
    }
}
