package dev.sluice.bench.attack;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.attack.PodWatch.PodMetrics;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PodMetricsTest {

    private static final PodMetrics BEFORE = PodMetrics.read("""
            # TYPE sluice_refused counter
            sluice_refused_total{limit="max-frame"} 2.0
            sluice_refused_total{limit="origin"} 0.0
            sluice_users 200.0
            jvm_threads_live_threads 20.0
            """);

    @Test
    void reportsCounterChanges() {
        PodMetrics after = PodMetrics.read("""
                sluice_refused_total{limit="max-frame"} 7.0
                sluice_refused_total{limit="origin"} 0.0
                sluice_disconnects_total{reason="flooded"} 1.0E7
                sluice_auth_failures_total{reason="token"} 3.0
                sluice_deliveries_total{route="upload"} 5.0
                """);
        assertEquals(
                Map.of("refused max-frame", 5L, "disconnects flooded", 10_000_000L, "auth_failures token", 3L),
                after.since(BEFORE));
    }

    @Test
    void reportsRemainingGauges() {
        assertEquals(List.of(), BEFORE.remains(BEFORE));
        assertEquals(
                List.of("sluice_users is 201.0 and was 200.0"),
                PodMetrics.read("sluice_users 201.0").remains(BEFORE));
        assertEquals(1, PodMetrics.read("").remains(BEFORE).size());
    }
}
