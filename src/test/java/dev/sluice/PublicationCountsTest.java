package dev.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.PublicationMeters;
import dev.sluice.outbox.TestOutboxFactory;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

class PublicationCountsTest {

    private final PublicationMeters meters = PublicationMeters.of("upload", new SimpleMeterRegistry());
    private final PublicationCounts counts = new PublicationCounts(TestOutboxFactory.UPLOAD, meters);

    @Test
    void countsOneRoute() {
        assertThat(counts.isOf(TestOutboxFactory.UPLOAD)).isTrue();
        assertThat(counts.isOf(TestOutboxFactory.USER)).isFalse();
    }

    @Test
    void eachPublicationIsReportedOnce() {
        for (int batch = 1; batch <= 2; batch++) {
            counts.routed();
            counts.unwanted();
            counts.unwanted();
            counts.dropped();
            counts.dropped();
            counts.dropped();
            counts.report();
            counts.report();
            assertThat(meters.routed().count()).isEqualTo(batch);
            assertThat(meters.unwanted().count()).isEqualTo(2 * batch);
            assertThat(meters.dropped().count()).isEqualTo(3 * batch);
        }
    }
}
