package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.EventClient;
import dev.sluice.harness.Fork;
import dev.sluice.harness.KeyServer;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.TcpProxy;
import dev.sluice.harness.Tokens;
import dev.sluice.harness.Tokens.NamedKey;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** With TLS in the pod, shared frames are still encrypted for each connection. */
@Order(2)
class TlsIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final String PASSWORD = "changeit";
    private static final String UNTRUSTED = "unable to find valid certification path";

    private static final int MAX_CONNECTIONS = 200;

    /** A webhook with a certificate that the pod does not trust. */
    private static KeyServer backend;

    private static Pod pod;
    private static SSLContext trusting;
    private static Path certificate;
    private static Path privateKey;
    private static Map<String, String> secured;

    @BeforeAll
    static void start() throws IOException, InterruptedException, GeneralSecurityException {
        Path keys = Fork.file("tls.p12").toAbsolutePath();
        Files.deleteIfExists(keys);
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "sluice",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "san=dns:localhost",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        keys.toString())
                .inheritIO()
                .start();
        assertThat(keytool.waitFor()).isZero();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(keys)) {
            store.load(in, PASSWORD.toCharArray());
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        trusting = SSLContext.getInstance("TLS");
        KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        own.init(store, PASSWORD.toCharArray());
        trusting.init(own.getKeyManagers(), trust.getTrustManagers(), null);
        certificate = Files.writeString(
                Fork.file("tls.pem").toAbsolutePath(),
                "-----BEGIN CERTIFICATE-----\n"
                        + Base64.getMimeEncoder()
                                .encodeToString(store.getCertificate("sluice").getEncoded())
                        + "\n-----END CERTIFICATE-----\n");
        privateKey = Files.writeString(
                Fork.file("tls-key.pem").toAbsolutePath(),
                "-----BEGIN PRIVATE KEY-----\n"
                        + Base64.getMimeEncoder()
                                .encodeToString(store.getKey("sluice", PASSWORD.toCharArray())
                                        .getEncoded())
                        + "\n-----END PRIVATE KEY-----\n");
        secured = Map.of(
                "quarkus.http.ssl-port",
                "0",
                "quarkus.http.ssl.certificate.key-store-file",
                keys.toString(),
                "quarkus.http.ssl.certificate.key-store-password",
                PASSWORD);
        Map<String, String> bounded = new HashMap<>(secured);
        bounded.put("sluice.limits.connections", "" + (MAX_CONNECTIONS - 10));
        bounded.put("quarkus.http.limits.max-connections", "" + MAX_CONNECTIONS);
        bounded.put("sluice.outbox.max-stall", "8s");
        backend = new KeyServer(trusting.getServerSocketFactory(), "https");
        bounded.put("sluice.routes.team.audience", "subscribers");
        bounded.put("sluice.routes.team.access", "webhook");
        bounded.put("sluice.webhook.url", backend.url());
        pod = Pod.ready(STAGE.redis(), bounded);
    }

    @AfterAll
    static void stop() {
        pod.close();
        backend.close();
    }

    @Test
    void trustedCertificatesOfRedisAndKeyServerAreAccepted() {
        NamedKey key = NamedKey.rsa("key");
        try (TcpProxy redis = new TcpProxy(
                        trusting.getServerSocketFactory(), STAGE.redis().port());
                KeyServer keys = new KeyServer(trusting.getServerSocketFactory(), "https")) {
            keys.has(key);
            Map<String, String> config = new HashMap<>(addresses(redis, keys));
            config.put("quarkus.tls.redis.trust-store.pem.certs", certificate.toString());
            config.put("quarkus.tls.redis.hostname-verification-algorithm", "HTTPS");
            config.put("quarkus.redis.tls-configuration-name", "redis");
            config.put("smallrye.jwt.client.tls.certificate.path", certificate.toString());
            try (Pod secure = Pod.ready(STAGE.redis(), config);
                    Client client =
                            Client.connect(secure.webSocket("/ws")).authenticate(key.sign(Tokens.claims("7")))) {
                assertThat(client.next()).contains("auth_success");
                STAGE.redis().publish("user:7", "hello");
                assertThat(client.next()).isEqualTo("hello");
            }
        }
    }

    @Tag("long")
    @Test
    void untrustedCertificatesOfRedisAndKeyServerAreRefused() {
        NamedKey key = NamedKey.rsa("key");
        try (TcpProxy redis = new TcpProxy(
                        trusting.getServerSocketFactory(), STAGE.redis().port());
                KeyServer keys = new KeyServer(trusting.getServerSocketFactory(), "https")) {
            keys.has(key);
            try (Pod distrustful = Pod.started(STAGE.redis(), addresses(redis, keys))) {
                awaitToldWith(distrustful, "This pod does not hear Redis");
                assertThat(distrustful.status("/q/health/ready")).isEqualTo(503);
                try (Client client =
                        Client.connect(distrustful.webSocket("/ws")).authenticate(key.sign(Tokens.claims("7")))) {
                    assertThat(client.closeCode()).isEqualTo(1013);
                }
                awaitToldWith(distrustful, "can't fetch the keys that verify tokens");
            }
        }
    }

    private static Map<String, String> addresses(TcpProxy redis, KeyServer keys) {
        return Map.of(
                "quarkus.redis.hosts",
                "rediss://localhost:" + redis.port(),
                "mp.jwt.verify.publickey.location",
                keys.url());
    }

    @Test
    void trustedWebhookCertificateIsAccepted() {
        String channel = "team:" + Stage.upload();
        try (Backend trusted = new Backend(trusting)) {
            Map<String, String> config = Map.of(
                    "sluice.routes.team.audience",
                    "subscribers",
                    "sluice.routes.team.access",
                    "webhook",
                    "sluice.webhook.url",
                    trusted.url(),
                    "quarkus.tls.webhook.trust-store.pem.certs",
                    certificate.toString());
            try (Pod secure = Pod.ready(STAGE.redis(), config);
                    Client client = Client.of(secure, "7")) {
                client.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\"}");
                assertThat(client.next()).contains("\"subscribed\"", channel);
                assertThat(trusted.requests()).containsExactly("{\"user\":\"7\",\"channel\":\"" + channel + "\"}");
            }
        }
    }

    /** Awaits a log line with the text and the certificate as the reason. */
    private static void awaitToldWith(Pod pod, String text) {
        await(text).until(() -> pod.log().lines().anyMatch(line -> line.contains(text) && line.contains(UNTRUSTED)));
    }

    @Test
    void untrustedWebhookCertificateIsLogged() {
        try (Client client = Client.of(pod, "7")) {
            client.send("{\"action\":\"subscribe\",\"channel\":\"team:1\"}");
            assertThat(client.next()).contains("unavailable");
            pod.awaitLog(UNTRUSTED);
        }
    }

    /** The certificate is only for localhost. */
    @Tag("long")
    @Test
    void redisHostNameIsCheckedIfConfigured() {
        try (TcpProxy redis =
                new TcpProxy(trusting.getServerSocketFactory(), STAGE.redis().port())) {
            try (Pod distrustful = Pod.started(STAGE.redis(), byAddress(redis, "HTTPS"))) {
                distrustful.awaitLog("This pod does not hear Redis");
            }
        }
    }

    /**
     * Two underscores on each side of the index mean a quoted key; with one on each side Quarkus does not find it. The host name of
     * Redis is not checked.
     */
    @Tag("long")
    @Test
    void variablesNameCertificateFiles() {
        Map<String, String> variables = Map.of(
                "QUARKUS_HTTP_SSL_PORT", "0",
                "QUARKUS_HTTP_TLS_CONFIGURATION_NAME", "web",
                "QUARKUS_TLS_WEB_KEY_STORE_PEM__0__CERT", certificate.toString(),
                "QUARKUS_TLS_WEB_KEY_STORE_PEM__0__KEY", privateKey.toString(),
                "MP_JWT_VERIFY_PUBLICKEY_LOCATION", Tokens.publicKeyFile().toString());
        HttpClient http = HttpClient.newBuilder().sslContext(trusting).build();
        // Probes still use the management port without TLS.
        try (TcpProxy redis = new TcpProxy(
                        trusting.getServerSocketFactory(), STAGE.redis().port());
                Pod secure = Pod.launched(byAddress(redis, "NONE"), variables).awaitReady();
                Client client = Client.connect(http, secure.secureWebSocket("/ws"), Map.of())) {
            assertThat(client.authenticate(Tokens.of("7")).next()).contains("auth_success");
            STAGE.redis().publish("user:7", "hello");
            assertThat(client.next()).isEqualTo("hello");
        }
    }

    private static Map<String, String> byAddress(TcpProxy redis, String verification) {
        return Map.of(
                "quarkus.redis.hosts",
                "rediss://127.0.0.1:" + redis.port(),
                "quarkus.redis.tls-configuration-name",
                "redis",
                "quarkus.tls.redis.trust-store.pem.certs",
                certificate.toString(),
                "quarkus.tls.redis.hostname-verification-algorithm",
                verification);
    }

    @Test
    void payloadsOfEverySizeArriveUnchanged() {
        HttpClient http = HttpClient.newBuilder().sslContext(trusting).build();
        URI uri = pod.secureWebSocket("/ws");
        try (Client one = Client.connect(http, uri, Map.of()).authenticate(Tokens.of("7"));
                Client two = Client.connect(http, uri, Map.of()).authenticate(Tokens.of("7"))) {
            assertThat(one.next()).contains("auth_success");
            assertThat(two.next()).contains("auth_success");
            for (int length : new int[] {0, 1, 125, 126, 16_384, 65_535, 65_536, 200_000, 256 * 1024}) {
                String payload = "x".repeat(length);
                STAGE.redis().publish("user:7", payload);
                assertThat(one.next()).isEqualTo(payload);
                assertThat(two.next()).isEqualTo(payload);
            }
        }
    }

    @Test
    void eventsOfEverySizeArriveUnchanged() throws IOException {
        int port = pod.secureWebSocket("/ws").getPort();
        try (EventClient one = EventClient.of(trusting.getSocketFactory().createSocket("localhost", port), "7", "");
                EventClient two =
                        EventClient.of(trusting.getSocketFactory().createSocket("localhost", port), "7", "")) {
            assertThat(one.next().data()).contains("subscribed");
            assertThat(two.next().data()).contains("subscribed");
            for (int length : new int[] {0, 1, 15, 16_384, 200_000}) {
                String payload = "x".repeat(length);
                STAGE.redis().publish("user:7", payload);
                assertThat(one.publication().data()).isEqualTo(payload);
                assertThat(two.publication().data()).isEqualTo(payload);
            }
        }
    }

    @Test
    void http2IsNotNegotiated() throws IOException {
        int port = pod.secureWebSocket("/ws").getPort();
        try (SSLSocket socket = (SSLSocket) trusting.getSocketFactory().createSocket("localhost", port)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setApplicationProtocols(new String[] {"h2", "http/1.1"});
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            assertThat(socket.getApplicationProtocol()).isNotEqualTo("h2");
        }
    }

    @Test
    void headerLinesAreCountedWithTls() throws IOException {
        int port = pod.secureWebSocket("/ws").getPort();
        try (Socket socket = trusting.getSocketFactory().createSocket("localhost", port)) {
            socket.setSoTimeout(60_000);
            socket.getOutputStream()
                    .write(("GET / HTTP/1.1\r\n" + "a:\r\n".repeat(101)).getBytes(StandardCharsets.US_ASCII));
            assertThat(RawClient.head(socket)).startsWith("HTTP/1.1 431");
        }
    }

    /** Quarkus's own limit counts connections only after the handshake. */
    @Test
    void connectionsBeforeTheTlsHandshakeCount() throws IOException {
        int port = pod.secureWebSocket("/ws").getPort();
        long files = pod.openFiles();
        List<Socket> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 2 * MAX_CONNECTIONS; i++) {
                silent.add(new Socket("localhost", port));
            }
            await("refused")
                    .until(() -> pod.metric("sluice_refused_total{limit=\"max-connections\"}") >= MAX_CONNECTIONS);
            // The pod may also have a connection or two for the requests of this test.
            assertThat(pod.openFiles()).isLessThanOrEqualTo(files + MAX_CONNECTIONS + 2);
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
        await("gone").until(() -> pod.openFiles() <= files + 2);
    }

    @Test
    void stalledClientIsClosed() {
        int port = pod.secureWebSocket("/ws").getPort();
        try (RawClient slow = RawClient.narrow(trusting.getSocketFactory(), port, "crowd");
                Client healthy = Client.of(pod, "crowd")) {
            String large = "x".repeat(100_000);
            double full = pod.disconnects("outbox_full");
            for (int i = 0; pod.disconnects("outbox_full") == full; i++) {
                assertThat(i).isLessThan(1_000);
                STAGE.redis().publish("user:crowd", large);
                assertThat(healthy.next()).isEqualTo(large);
            }
            // A TLS close message would wait for a client that does not read.
            await("gone").until(slow::isGone);
            await().until(() -> pod.metric("sluice_outbox_pending_bytes") == 0);
        }
    }

    @Test
    void slowReaderGetsEverything() {
        assertSlowReaderGetsEverything(pod);
    }

    @Tag("long")
    @Test
    void slowReaderGetsEverythingWithoutNativeTransport() {
        assumeThat(System.getProperty("os.name")).isEqualTo("Linux");
        // Quarkus decides what a native executable uses.
        String either = "(epoll|Java's NIO)";
        assertThat(pod.log()).containsPattern("Event loops use " + (Pod.isNative() ? either : "epoll"));
        Map<String, String> stalling = new HashMap<>(secured);
        stalling.put("sluice.outbox.max-stall", "8s");
        stalling.put("io.netty.transport.noNative", "true");
        try (Pod own = Pod.ready(STAGE.redis(), stalling)) {
            assertThat(own.log()).containsPattern("Event loops use " + (Pod.isNative() ? either : "Java's NIO"));
            assertSlowReaderGetsEverything(own);
        }
    }

    private static void assertSlowReaderGetsEverything(Pod by) {
        by.awaitNobody();
        double ended = by.disconnects();
        try (RawClient slow = RawClient.narrow(
                        trusting.getSocketFactory(), by.secureWebSocket("/ws").getPort(), "crowd");
                Client healthy = Client.of(by, "crowd")) {
            String large = "x".repeat(200_000);
            int published = 0;
            for (; by.metric("sluice_outbox_pending_bytes") < 500_000; published++) {
                assertThat(published).isLessThan(1_000);
                STAGE.redis().publish("user:crowd", large);
                assertThat(healthy.next()).isEqualTo(large);
            }
            // One payload takes ten seconds, more than the allowed stall.
            slow.reads(4_000, Duration.ofMillis(200));
            assertThat(slow.next()).isEqualTo(large);
            assertThat(by.disconnects()).isEqualTo(ended);
            slow.reads(0, Duration.ZERO);
            for (int i = 1; i < published; i++) {
                assertThat(slow.next()).isEqualTo(large);
            }
            await().until(() -> by.metric("sluice_outbox_pending_bytes") == 0);
            assertThat(by.disconnects()).isEqualTo(ended);
        }
    }
}
