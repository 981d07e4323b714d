package dev.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.configuration.ConfigurationException;
import org.junit.jupiter.api.Test;

class AcceptLimiterTest {

    @Test
    void allowsAFifthMoreConnectionsThanWebSocketsByDefault() {
        assertThat(AcceptLimiter.max(50_000, 0)).isEqualTo(60_100);
        assertThat(AcceptLimiter.max(50_000, 50_001)).isEqualTo(50_001);
        assertThat(AcceptLimiter.max(Integer.MAX_VALUE, 0)).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void refusesFewerConnectionsThanWebSockets() {
        assertThatThrownBy(() -> AcceptLimiter.max(50_000, 50_000))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("quarkus.http.limits.max-connections")
                .hasMessageContaining("sluice.limits.connections");
    }
}
