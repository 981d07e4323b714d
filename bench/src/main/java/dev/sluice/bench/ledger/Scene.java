package dev.sluice.bench.ledger;

import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.site.Replica;
import dev.sluice.bench.site.Site;
import dev.sluice.bench.traffic.Traffic;
import dev.sluice.harness.Redis;
import java.time.Duration;

/**
 * Where a fault strikes.
 *
 * @param control of the Redis there was at the beginning
 */
record Scene(Site site, Traffic traffic, Redis.Admin control) {

    /** How long a fault lasts. */
    void last(Duration time) {
        Waiting.sleep(time);
    }

    /** Ends the connections of all pods, in Redis. */
    void killConnections() {
        for (Replica pod : site.pods()) {
            pod.link().addresses().forEach(address -> control.command("CLIENT", "KILL", "ADDR", address));
        }
    }
}
