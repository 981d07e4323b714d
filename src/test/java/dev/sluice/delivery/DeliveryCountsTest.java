package dev.sluice.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.TestOutboxFactory;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class DeliveryCountsTest {

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final RouteMeters uploads = new RouteMeters("upload", metrics);
    private final RouteMeters users = new RouteMeters("user", metrics);
    private final DeliveryCounts counts = new DeliveryCounts();

    @Test
    void everyCopyIsReportedOnceUnderItsRoute() {
        PublicationBatch two = batch("upload:1", "abc");
        two.add(payload("de"));
        counts.turnTo(uploads);
        counts.accept(two, 3);
        counts.accept(batch("upload:2", "f"), 1);
        assertThat(deliveries("upload")).as("not yet").isZero();
        counts.turnTo(users);
        counts.accept(batch("user:1", "ghij"), 2);
        assertThat(deliveries("upload")).isEqualTo(7);
        assertThat(deliveries("user")).isZero();
        for (int i = 0; i < 2; i++) {
            counts.report();
            assertThat(deliveries("upload")).isEqualTo(7);
            assertThat(deliveries("user")).isEqualTo(2);
            assertThat(metrics.get("sluice.delivery.bytes").counter().count()).isEqualTo(3 * 5 + 1 + 2 * 4);
        }
    }

    @Test
    void nothingIsReportedWithoutDeliveries() {
        counts.report();
        counts.turnTo(uploads);
        counts.accept(batch("upload:1", "abc"), 0);
        counts.report();
        assertThat(deliveries("upload")).isZero();
    }

    private double deliveries(String route) {
        return metrics.get("sluice.deliveries").tag("route", route).counter().count();
    }

    private static PublicationBatch batch(String channel, String payload) {
        return new PublicationBatch(TestOutboxFactory.channel(channel), payload(payload));
    }

    private static Payload payload(String text) {
        return Payload.of(1, null, text.getBytes(StandardCharsets.US_ASCII), 0);
    }
}
