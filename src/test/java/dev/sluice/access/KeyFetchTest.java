package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeyFetchTest {

    private final Vertx vertx = Vertx.vertx();
    private ServerSocket server;

    @BeforeEach
    void listen() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        server.setSoTimeout(60_000);
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
        vertx.close();
    }

    @Test
    void unansweredHandshakeTimesOutAndReleasesTheConnection() throws Exception {
        KeyFetch fetch = fetch("https");
        List<CompletableFuture<KeyServer.Fetched>> fetches = new ArrayList<>();
        // The client has five connections.
        for (int i = 0; i < 5; i++) {
            fetches.add(fetch.keys().toCompletionStage().toCompletableFuture());
        }
        List<Socket> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 5; i++) {
                Socket socket = server.accept();
                silent.add(socket);
                socket.setSoTimeout(60_000);
            }
            for (CompletableFuture<KeyServer.Fetched> one : fetches) {
                assertThatThrownBy(() -> one.get(60, TimeUnit.SECONDS)).isNotNull();
            }
            for (Socket socket : silent) {
                socket.getInputStream().readAllBytes();
            }
            fetch.keys();
            server.accept().close();
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    @Test
    void redirectWithoutATargetIsNotFollowed() throws Exception {
        CompletableFuture<KeyServer.Fetched> fetched =
                fetch("http").keys().toCompletionStage().toCompletableFuture();
        try (Socket client = asked()) {
            client.getOutputStream()
                    .write("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThatThrownBy(() -> fetched.get(60, TimeUnit.SECONDS))
                    .hasMessageContaining("HTTP status 302, a redirect that is not followed");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "404 Not Found, '', HTTP status 404",
        "200 OK, <html></html>, 'it is not a JWKS (Content-Type text/html, 13 bytes)'",
    })
    void answerWithoutKeysIsNamedAsTheReason(String status, String body, String reason) throws Exception {
        Future<KeyServer.Fetched> fetched = keys(fetch("http"));
        try (Socket client = asked()) {
            client.getOutputStream()
                    .write(("HTTP/1.1 " + status + "\r\nContent-Type: text/html\r\nContent-Length: " + body.length()
                                    + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.US_ASCII));
            assertThatThrownBy(() -> fetched.get(60, TimeUnit.SECONDS)).hasMessageContaining(reason);
        }
    }

    @Test
    void resetIsNamedAsTheReason() throws Exception {
        Future<KeyServer.Fetched> fetched = keys(fetch("http"));
        Socket client = asked();
        client.setSoLinger(true, 0);
        client.close();
        assertThatThrownBy(() -> fetched.get(60, TimeUnit.SECONDS)).hasMessageContaining("Connection reset");
    }

    @Test
    void refusedConnectionIsNamedAsTheReason() throws Exception {
        KeyFetch fetch = fetch("http");
        server.close();
        assertThatThrownBy(() -> keys(fetch).get(60, TimeUnit.SECONDS)).hasMessageContaining("Connection refused");
    }

    /** Returns a connection after its request has arrived, so that the answer belongs to it. */
    private Socket asked() throws IOException {
        Socket client = server.accept();
        assertThat(client.getInputStream().read()).isEqualTo('G');
        return client;
    }

    private static Future<KeyServer.Fetched> keys(KeyFetch fetch) {
        return fetch.keys().toCompletionStage().toCompletableFuture();
    }

    @Test
    void lateRequestIsNotSent() throws Exception {
        KeyFetchAttempt attempt = new KeyFetchAttempt(Duration.ofSeconds(1));
        attempt.timeOut();
        assertThat(attempt.isOver()).isTrue();
        CompletableFuture<Object> sent = vertx.createHttpClient()
                .request(
                        HttpMethod.GET,
                        server.getLocalPort(),
                        server.getInetAddress().getHostAddress(),
                        "/")
                .compose(attempt::watch)
                .<Object>compose(request -> request.send().map(answer -> "sent"))
                .toCompletionStage()
                .toCompletableFuture();
        assertThatThrownBy(() -> sent.get(60, TimeUnit.SECONDS)).hasMessageContaining("the time had run out");
    }

    private KeyFetch fetch(String scheme) {
        JWTAuthContextInfo info = new JWTAuthContextInfo();
        info.setPublicKeyLocation(
                scheme + "://" + server.getInetAddress().getHostAddress() + ":" + server.getLocalPort() + "/jwks.json");
        return new KeyFetch(vertx, info);
    }
}
