package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** With the PROXY protocol on the main port, probes still work without its header. */
class ProxyProtocolIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static Pod pod;

    @BeforeAll
    static void start() {
        // The pod becomes ready only if probes are answered.
        pod = Pod.ready(
                STAGE.redis(),
                Map.of(
                        "quarkus.http.proxy.use-proxy-protocol", "true",
                        "sluice.limits.connections-per-address", "1"));
    }

    @AfterAll
    static void stop() {
        pod.close();
    }

    @Test
    void probesAndMetricsNeedNoHeaderOnTheManagementPort() {
        for (String path : new String[] {"/q/health/live", "/q/health/ready", "/q/health/started", "/q/metrics"}) {
            assertThat(pod.status(path)).as(path).isEqualTo(200);
        }
    }

    @Test
    void mainPortRequiresTheHeader() throws IOException {
        try (Socket socket = connect("")) {
            socket.getOutputStream().write(ascii("GET /q/openapi HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void addressInTheHeaderCountsAsTheClients() throws IOException {
        try (Socket first = connect("203.0.113.7")) {
            assertThat(upgrade(first)).startsWith("HTTP/1.1 101");
            try (Socket same = connect("203.0.113.7");
                    Socket other = connect("203.0.113.8")) {
                assertThat(upgrade(same)).startsWith("HTTP/1.1 429");
                assertThat(upgrade(other)).startsWith("HTTP/1.1 101");
            }
        }
    }

    @Test
    void headerLinesAfterTheProxyHeaderAreCounted() throws IOException {
        try (Socket socket = connect("")) {
            socket.getOutputStream()
                    .write(ascii(
                            "PROXY TCP4 203.0.113.9 127.0.0.1 40000 80\r\nGET / HTTP/1.1\r\n" + "a:\r\n".repeat(101)));
            assertThat(RawClient.head(socket)).startsWith("HTTP/1.1 431");
        }
    }

    private static Socket connect(String address) throws IOException {
        Socket socket = new Socket("localhost", pod.port());
        socket.setSoTimeout(60_000);
        if (!address.isEmpty()) {
            socket.getOutputStream().write(ascii("PROXY TCP4 " + address + " 127.0.0.1 40000 80\r\n"));
        }
        return socket;
    }

    private static String upgrade(Socket socket) throws IOException {
        socket.getOutputStream().write(ascii("""
                        GET /ws HTTP/1.1\r
                        Host: localhost\r
                        Upgrade: websocket\r
                        Connection: Upgrade\r
                        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                        Sec-WebSocket-Version: 13\r
                        \r
                        """));
        return RawClient.head(socket);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
