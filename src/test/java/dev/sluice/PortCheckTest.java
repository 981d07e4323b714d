package dev.sluice;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Map;
import org.eclipse.microprofile.config.Config;
import org.junit.jupiter.api.Test;

class PortCheckTest {

    @Test
    void startFailsWithTheKeyOfAPortInUse() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            int port = other.getLocalPort();
            assertThatThrownBy(() -> PortCheck.check("quarkus.http.port", "127.0.0.1", port))
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageStartingWith(
                            "quarkus.http.port is " + port + ", but this port of 127.0.0.1 can't be opened: ");
        }
    }

    @Test
    void portThatQuarkusChoosesIsAccepted() {
        assertThatCode(() -> PortCheck.check("quarkus.http.port", "127.0.0.1", 0))
                .doesNotThrowAnyException();
    }

    @Test
    void freePortIsAccepted() throws IOException {
        int port;
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.83"))) {
            port = other.getLocalPort();
        }
        assertThatCode(() -> PortCheck.check("quarkus.http.port", "127.0.0.83", port))
                .doesNotThrowAnyException();
    }

    @Test
    void portThatQuarkusDoesNotOpenIsNotChecked() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Map<String, String> used = Map.of(
                    "quarkus.http.host", "127.0.0.1",
                    "quarkus.http.port", "" + other.getLocalPort(),
                    "quarkus.management.port", "0");
            assertThatThrownBy(() -> PortCheck.check(config(used, "quarkus.http.port", "" + other.getLocalPort())))
                    .isInstanceOf(ConfigurationException.class);
            assertThatCode(() -> PortCheck.check(config(used, "quarkus.http.insecure-requests", "disabled")))
                    .doesNotThrowAnyException();
            assertThatCode(() -> PortCheck.check(config(used, "quarkus.http.host-enabled", "false")))
                    .doesNotThrowAnyException();
        }
    }

    private static Config config(Map<String, String> values, String key, String value) {
        return new SmallRyeConfigBuilder()
                .withSources(new PropertiesConfigSource(values, "values", 100))
                .withDefaultValue(key, value)
                .build();
    }
}
