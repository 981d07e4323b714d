package dev.sluice.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.configuration.ConfigurationException;
import org.junit.jupiter.api.Test;

class ArrivalsTest {

    @Test
    void allowsAFifthMoreConnectionsThanWebSocketsUnlessConfigured() {
        assertThat(Arrivals.max(50_000, 0)).isEqualTo(60_100);
        assertThat(Arrivals.max(50_000, 50_001)).isEqualTo(50_001);
        assertThat(Arrivals.max(Integer.MAX_VALUE, 0)).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void refusesFewerConnectionsThanWebSockets() {
        assertThatThrownBy(() -> Arrivals.max(50_000, 50_000))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("quarkus.http.limits.max-connections")
                .hasMessageContaining("sluice.limits.connections");
    }
}
