package dev.sluice;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.configuration.ConfigurationException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
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
    void anyFreePortIsAccepted() {
        assertThatCode(() -> PortCheck.check("quarkus.http.port", "127.0.0.1", 0))
                .doesNotThrowAnyException();
    }
}
