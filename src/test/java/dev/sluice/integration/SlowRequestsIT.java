package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Endless and oversized requests are closed or answered, and do not affect other clients. */
@Tag("chaos")
class SlowRequestsIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final int MAX_CONNECTIONS = 60;
    private static final String UPGRADE = """
            GET /ws HTTP/1.1\r
            Host: localhost\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
            """;
    private static final String TINY = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n";

    /** The beginnings of requests that grow by a byte from time to time. */
    private static final List<String> NEVER_ENDING = List.of(
            "GET /ws",
            "GET /ws HTTP/1.1\r\nHost: localhost\r\n",
            UPGRADE + "X-Slow: ",
            "POST /ws HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
            "POST /ws HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n",
            TINY + "GET /q");

    private static Pod pod;

    private final List<Socket> open = new ArrayList<>();
    private Client bystander;

    @BeforeAll
    static void start() {
        pod = Pod.ready(
                STAGE.redis(),
                Map.of(
                        "sluice.http.request-timeout", "3s",
                        "sluice.limits.connections", "40",
                        "quarkus.http.limits.max-connections", "" + MAX_CONNECTIONS));
    }

    @AfterAll
    static void stop() {
        pod.close();
    }

    @BeforeEach
    void connect() {
        bystander = Client.of(pod, "bystander");
    }

    @AfterEach
    void theBystanderStillHears() throws IOException {
        for (Socket socket : open) {
            socket.close();
        }
        STAGE.redis().publish("user:bystander", "still here");
        assertThat(bystander.next()).isEqualTo("still here");
        bystander.close();
    }

    @Test
    void endlessRequestIsClosed() throws IOException {
        double cut = refused("request-timeout");
        double pipelined = refused("pipelined-requests");
        List<Socket> slow = new ArrayList<>();
        for (String start : NEVER_ENDING) {
            for (int i = 0; i < 5; i++) {
                slow.add(connected(start));
            }
        }
        Socket silent = connected("");
        int all = slow.size() + 1;
        long began = System.nanoTime();
        await().pollInterval(50, TimeUnit.MILLISECONDS).until(() -> {
            slow.removeIf(socket -> !drip(socket));
            return slow.isEmpty();
        });
        assertThat(System.nanoTime() - began).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(500));
        assertThat(silent.getInputStream().read()).isEqualTo(-1);
        awaitRefused("request-timeout", cut + all);
        assertThat(refused("pipelined-requests")).isEqualTo(pipelined);
    }

    @Test
    void keepAliveConnectionMayStayIdle() throws IOException {
        Socket socket = connected(TINY);
        assertThat(RawClient.head(socket)).startsWith("HTTP/1.1 404");
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(3200));
        write(socket, TINY);
        assertThat(RawClient.head(socket)).contains("HTTP/1.1 404");
    }

    @Test
    void requestTimeoutDoesNotApplyToWebSockets() {
        try (RawClient quiet = RawClient.of(pod, "quiet")) {
            // Heartbeats end the connection of a half frame.
            quiet.bytes(new byte[] {(byte) 0x81});
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(3200));
            STAGE.redis().publish("user:quiet", "hello");
            assertThat(quiet.next()).isEqualTo("hello");
        }
    }

    @Test
    void pipeliningWithoutReadingIsClosed() throws IOException {
        double cut = refused("pipelined-requests");
        Socket greedy = connected("");
        byte[] many = "GET /q/openapi HTTP/1.1\r\nHost: localhost\r\n\r\n"
                .repeat(1000)
                .getBytes(StandardCharsets.US_ASCII);
        try {
            for (int i = 0; i < 10_000; i++) {
                greedy.getOutputStream().write(many);
            }
            throw new AssertionError("not cut off");
        } catch (IOException expected) {
            awaitRefused("pipelined-requests", cut + 1);
        }
    }

    @Test
    void tcpConnectionsAreLimited() throws IOException {
        double refused = refused("max-connections");
        long over = 10;
        for (int i = 0; i < MAX_CONNECTIONS + over; i++) {
            // A client that has sent a request may be silent for longer than this takes.
            ask(connected(""));
        }
        bystander.assertNothingMore();
        await().untilAsserted(() -> {
            assertThat(refused("max-connections")).isGreaterThanOrEqualTo(refused + over);
            // One belongs to the other client, and the pod may notice the ends of earlier ones late.
            assertThat(open.stream().filter(SlowRequestsIT::isClosed).count()).isBetween(over, MAX_CONNECTIONS / 2L);
        });
    }

    @Test
    void probesAnswerWhileIdleSocketsFillTheConnectionLimit() throws IOException {
        double refused = refused("max-connections");
        while (refused("max-connections") == refused) {
            assertThat(open).hasSizeLessThanOrEqualTo(MAX_CONNECTIONS);
            ask(connected(""));
        }
        for (String probe : List.of("/q/health/live", "/q/health/ready", "/q/health/started", "/q/metrics")) {
            assertThat(pod.status(probe)).as(probe).isEqualTo(200);
        }
        int answered = 0;
        for (Socket socket : open) {
            answered += isClosed(socket) ? 0 : 1;
        }
        assertThat(answered).as("idle sockets that are still open").isGreaterThan(MAX_CONNECTIONS - 5);
        Socket more = connected("");
        ask(more);
        await("one more is closed").until(() -> isClosed(more));
    }

    /** Sends two requests, unless the connection is closed. */
    private static void ask(Socket socket) {
        try {
            write(socket, TINY);
            write(socket, TINY);
        } catch (IOException refused) {
            // The connection is above the limit.
        }
    }

    @Test
    void oversizedRequestGetsAnError() throws IOException {
        assertThat(RawClient.head(connected("GET /" + "x".repeat(17_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n")))
                .contains(" 414 ");
        assertThat(RawClient.head(connected(UPGRADE + "X-Large: " + "x".repeat(30_000) + "\r\n\r\n")))
                .contains(" 431 ");
        assertThat(RawClient.head(connected(UPGRADE + "X: y\r\n".repeat(10_000) + "\r\n")))
                .contains(" 431 ");
        assertThat(RawClient.head(connected(UPGRADE + "X: y\r\n".repeat(96)))).contains(" 431 ");
        String large = "Authorization: Bearer " + "x".repeat(8_000) + "\r\n\r\n";
        assertThat(RawClient.head(connected("GET /nothing HTTP/1.1\r\nHost: localhost\r\n" + large)))
                .contains(" 404 ");
        assertThat(RawClient.head(connected("nonsense\r\n\r\n"))).contains(" 400 ");
    }

    @Test
    void headerLinesOfLaterRequestsAreCounted() throws IOException {
        double refused = refused("header-lines");
        Socket socket = connected(TINY);
        assertThat(RawClient.head(socket)).startsWith("HTTP/1.1 404");
        write(socket, "GET /nothing HTTP/1.1\r\n" + "a:\r\n".repeat(101));
        assertThat(RawClient.head(socket)).contains(" 431 ");
        awaitRefused("header-lines", refused + 1);
    }

    /** The pod does not speak HTTP/2, neither at once nor after an upgrade. */
    @Test
    void http2IsRefused() throws IOException {
        assertThat(RawClient.head(connected("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
                .contains(" 501 ");
        assertThat(RawClient.head(connected("""
                        GET /q/openapi HTTP/1.1\r
                        Host: localhost\r
                        Connection: Upgrade, HTTP2-Settings\r
                        Upgrade: h2c\r
                        HTTP2-Settings: AAMAAABkAAQAAP__\r
                        \r
                        """))).startsWith("HTTP/1.1 200");
    }

    private Socket connected(String said) throws IOException {
        Socket socket = new Socket("localhost", pod.port());
        socket.setSoTimeout(30_000);
        open.add(socket);
        write(socket, said);
        return socket;
    }

    private static void write(Socket socket, String said) throws IOException {
        socket.getOutputStream().write(said.getBytes(StandardCharsets.US_ASCII));
    }

    /** Sends a byte more; returns false if the connection is closed. */
    private static boolean drip(Socket socket) {
        try {
            write(socket, "x");
            return !isClosed(socket);
        } catch (IOException cutOff) {
            return false;
        }
    }

    private static boolean isClosed(Socket socket) {
        try {
            socket.setSoTimeout(1);
            InputStream in = socket.getInputStream();
            while (in.read() >= 0) {
                // An earlier answer.
                Thread.onSpinWait();
            }
            return true;
        } catch (SocketTimeoutException open) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    private static void awaitRefused(String limit, double times) {
        pod.awaitMetric("sluice_refused_total{limit=\"" + limit + "\"}", times);
    }

    private static double refused(String limit) {
        return pod.metric("sluice_refused_total{limit=\"" + limit + "\"}");
    }
}
