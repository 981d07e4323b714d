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
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class KeyFetchTest {

    private final Vertx vertx = Vertx.vertx();
    private ServerSocket server;

    @BeforeEach
    void listen() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        server.setSoTimeout(10_000);
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
                socket.setSoTimeout(6_000);
            }
            for (CompletableFuture<KeyServer.Fetched> one : fetches) {
                assertThatThrownBy(() -> one.get(4, TimeUnit.SECONDS)).isNotNull();
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
        try (Socket client = server.accept()) {
            client.getOutputStream()
                    .write("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThatThrownBy(() -> fetched.get(4, TimeUnit.SECONDS))
                    .hasMessageContaining("HTTP status 302, a redirect that is not followed");
        }
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
        assertThatThrownBy(() -> sent.get(4, TimeUnit.SECONDS)).hasMessageContaining("the time had run out");
    }

    private KeyFetch fetch(String scheme) {
        JWTAuthContextInfo info = new JWTAuthContextInfo();
        info.setPublicKeyLocation(
                scheme + "://" + server.getInetAddress().getHostAddress() + ":" + server.getLocalPort() + "/jwks.json");
        return new KeyFetch(vertx, info);
    }
}
