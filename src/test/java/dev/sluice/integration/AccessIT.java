package dev.sluice.integration;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.TcpProxy;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests who may subscribe, by the route's access. */
@Order(2)
class AccessIT {

    @AutoClose
    private static Redis redis;

    @AutoClose
    private static Backend backend;

    private static final AtomicInteger NUMBER = new AtomicInteger();

    @AutoClose
    private static Pod pod;

    @BeforeAll
    static void start() {
        redis = Redis.start();
        backend = new Backend();
        Map<String, String> config = new HashMap<>();
        for (String access : List.of("open", "claim", "owner", "webhook")) {
            config.put("sluice.routes." + access + ".audience", "subscribers");
            config.put("sluice.routes." + access + ".access", access);
        }
        config.put("sluice.webhook.url", backend.url());
        config.put("sluice.webhook.timeout", "12s");
        config.put("sluice.webhook.concurrency", "60");
        // The same, so that their metrics would be the same if these did not name what is awaited.
        config.put("sluice.owner.timeout", "12s");
        pod = Pod.ready(redis, config);
    }

    @AfterAll
    static void stop() {
        assertThat(pod.log()).as("its path and query may hold a secret").doesNotContain("by=sluice");
        assertThat(pod.log()).as("a warning of Micrometer").doesNotContain("already registered");
    }

    @Test
    void openRoutesAreLoggedAtStart() {
        assertThat(pod.log())
                .contains("Every user who knows an id may listen to upload:<id>")
                .contains("Every user who knows an id may listen to open:<id>")
                .doesNotContain("listen to claim:<id>");
    }

    @Test
    void openRouteAllowsEveryUser() {
        try (Client client = Client.of(pod, "7")) {
            assertHears(client, "open:1");
        }
    }

    @Test
    void claimRouteAllowsTheChannelsOfTheToken() {
        try (Client client = claiming("7", "claim:1", "claim:team-*", "claim:of-{sub}", "open:1")) {
            assertHears(client, "claim:1");
            assertHears(client, "claim:team-red");
            assertHears(client, "claim:of-7");
            assertForbidden(client, "claim:2");
            assertForbidden(client, "claim:of-8");
            assertForbidden(client, "claim:of-{sub}");
            subscribe(client, "claim:2");
            assertThat(client.next()).contains("the channels claim of the token does not allow it");
            pod.awaitLog("Sluice refused subscriptions: ");
        }
        try (Client client = Client.of(pod, "7")) {
            assertForbidden(client, "claim:1");
        }
    }

    @Test
    void claimOfAnotherTypeGrantsNothing() {
        JwtClaims claims = Tokens.claims("7");
        claims.setClaim("channels", Map.of("claim:1", true));
        try (Client client = authenticated(claims)) {
            assertForbidden(client, "claim:1");
        }
        claims.setClaim("channels", List.of(7, List.of("claim:1"), "claim:2"));
        try (Client client = authenticated(claims)) {
            assertForbidden(client, "claim:1");
            assertHears(client, "claim:2");
        }
        claims.setClaim("channels", "claim:1");
        try (Client client = authenticated(claims)) {
            assertHears(client, "claim:1");
        }
    }

    @Test
    void eachConnectionListensByItsOwnToken() {
        try (Client wide = claiming("9", "claim:*");
                Client narrow = claiming("9", "claim:1");
                Client none = Client.of(pod, "9")) {
            assertHears(wide, "claim:2");
            assertHears(narrow, "claim:1");
            redis.publish("claim:1", "one");
            redis.publish("claim:2", "two");
            assertThat(wide.next())
                    .as("received already through the other tab's subscription")
                    .isEqualTo("hello claim:1");
            assertThat(wide.next()).isEqualTo("one");
            assertThat(wide.next()).isEqualTo("two");
            assertThat(narrow.next()).isEqualTo("one");
            pod.awaitHandled(redis);
            narrow.assertNothingMore();
            none.assertNothingMore();
        }
    }

    @Test
    void renewalRemovesWhatTheNewTokenDoesNotGrant() {
        try (Client client = claiming("10", "claim:*")) {
            assertHears(client, "claim:11");
            assertHears(client, "claim:12");
            client.authenticate(claim("10", "claim:12", "claim:13"));
            assertThat(client.next()).contains("auth_success");
            assertThat(client.next()).isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"claim:11\"}");
            redis.publish("claim:11", "no longer");
            redis.publish("claim:12", "still");
            assertThat(client.next()).isEqualTo("still");
            assertForbidden(client, "claim:11");
            assertHears(client, "claim:13");
        }
    }

    @Test
    void ownerRouteAllowsTheUsersOfTheRedisSet() {
        String channel = "owner:" + NUMBER.incrementAndGet();
        try (Client client = Client.of(pod, "7");
                Client other = Client.of(pod, "8");
                Redis.Admin admin = redis.admin()) {
            assertForbidden(client, channel);
            admin.command("SADD", "sluice:owner:" + channel, "7", "77");
            assertHears(client, channel);
            assertForbidden(other, channel);
            admin.command("SREM", "sluice:owner:" + channel, "7");
            assertForbidden(client, channel);
            assertThat(client.next())
                    .as("a user who lost the right receives no more publications")
                    .isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"" + channel + "\"}");
            redis.publish(channel, "private");
            pod.awaitHandled(redis);
            client.assertNothingMore();
        }
    }

    @Test
    void ownerRouteFailsClosed() {
        String channel = "owner:" + NUMBER.incrementAndGet();
        try (Redis redis = Redis.start();
                TcpProxy network = new TcpProxy(redis.port());
                Pod own = Pod.ready(
                        redis,
                        Map.of(
                                "quarkus.redis.hosts", network.redisUri(),
                                "sluice.routes.owner.audience", "subscribers",
                                "sluice.routes.owner.access", "owner",
                                "sluice.owner.timeout", "2s"));
                Client client = Client.of(own, "7")) {
            try (Redis.Admin admin = redis.admin()) {
                admin.command("SADD", "sluice:owner:" + channel, "7");
            }
            awaitSubscribed(client, channel);
            network.swallow();
            subscribe(client, channel);
            assertThat(client.next()).contains("\"error\"", "\"unavailable\"", channel);
            network.heal();
            awaitSubscribed(client, channel);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 204})
    void webhookRouteAllowsTheUsersOfTheBackend(int status) {
        String channel = "webhook:" + NUMBER.incrementAndGet();
        backend.answers(status);
        try (Client client = authenticated(Tokens.claims("a \"7\""))) {
            assertHears(client, channel);
            assertThat(backend.requests().get(backend.requests().size() - 1))
                    .isEqualTo("{\"user\":\"a \\\"7\\\"\",\"channel\":\"" + channel + "\"}");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {302, 400, 401, 403, 404})
    void webhookRefusalIsForbidden(int status) {
        String channel = "webhook:" + NUMBER.incrementAndGet();
        backend.answers(status);
        try (Client client = Client.of(pod, "7")) {
            assertForbidden(client, channel);
            redis.publish(channel, "private");
            pod.awaitHandled(redis);
            client.assertNothingMore();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 503})
    void webhookRouteFailsClosedOnBackendErrors(int status) {
        String channel = "webhook:" + NUMBER.incrementAndGet();
        backend.answers(status);
        try (Client client = Client.of(pod, "7")) {
            subscribe(client, channel);
            assertThat(client.next()).contains("\"error\"", "\"unavailable\"", channel);
            backend.answers(200);
            assertHears(client, channel);
        }
    }

    @Test
    void webhookAnswersAreCached() {
        String channel = "webhook:" + NUMBER.incrementAndGet();
        backend.answers(200);
        try (Client client = Client.of(pod, "7");
                Client other = Client.of(pod, "8")) {
            int before = backend.requests().size();
            assertHears(client, channel);
            backend.answers(403);
            client.send("{\"action\":\"unsubscribe\",\"channel\":\"" + channel + "\"}");
            assertThat(client.next()).contains("unsubscribed");
            assertHears(client, channel);
            assertThat(backend.requests()).hasSize(before + 1);
            assertForbidden(other, channel);
            assertThat(backend.requests()).hasSize(before + 2);
        }
    }

    @Test
    void nothingIsDeliveredBeforeTheWebhookAnswers() {
        String one = "webhook:" + NUMBER.incrementAndGet();
        String two = "webhook:" + NUMBER.incrementAndGet();
        backend.answers(200);
        backend.hang();
        try (Client client = Client.of(pod, "7");
                Client gone = Client.of(pod, "8")) {
            int before = backend.requests().size();
            subscribe(client, one);
            subscribe(client, two);
            subscribe(gone, two);
            await("questions").until(() -> backend.requests().size() == before + 3);
            redis.publish(one, "early");
            pod.awaitHandled(redis);
            gone.leave();
            client.send("{\"action\":\"unsubscribe\",\"channel\":\"" + two + "\",\"id\":1}");
            assertThat(client.next()).isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"" + two + "\"}");
            assertThat(client.next()).isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"" + two + "\",\"id\":1}");
            backend.goOn();
            assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"" + one + "\"}");
            redis.publish(two, "not wanted any more");
            redis.publish(one, "in time");
            assertThat(client.next()).isEqualTo("in time");
            client.assertNothingMore();
        }
    }

    @Test
    void hangingWebhookDelaysNoOtherClient() {
        backend.answers(200);
        backend.hang();
        int before = backend.requests().size();
        try (Client client = Client.of(pod, "7")) {
            for (int i = 0; i < 80; i++) {
                subscribe(client, "webhook:hang-" + i);
            }
            assertHears(client, "open:2");
            await("questions").until(() -> backend.requests().size() >= before + 60);
            assertThat(backend.requests()).as("no more at once than allowed").hasSize(before + 60);
            for (int i = 0; i < 80; i++) {
                assertThat(client.next()).contains("\"error\"", "\"unavailable\"");
            }
        } finally {
            backend.goOn();
        }
    }

    @Tag("long")
    @Test
    void waitingDecisionsAreBounded() {
        Map<String, String> config = Map.of(
                "sluice.routes.webhook.audience", "subscribers",
                "sluice.routes.webhook.access", "webhook",
                "sluice.webhook.url", backend.url(),
                "sluice.webhook.timeout", "20s",
                "sluice.webhook.concurrency", "1",
                "sluice.access.pending", "1");
        backend.answers(200);
        backend.hang();
        try (Pod own = Pod.ready(redis, config);
                Client client = Client.of(own, "7")) {
            for (int i = 0; i < 3; i++) {
                subscribe(client, "webhook:pending-" + i);
            }
            assertThat(client.next())
                    .as("refused immediately, not after the timeout of the others")
                    .contains("\"unavailable\"", "webhook:pending-2");
            backend.goOn();
            assertThat(client.next()).contains("\"subscribed\"", "webhook:pending-0");
            assertThat(client.next()).contains("\"subscribed\"", "webhook:pending-1");
            own.awaitMetric("sluice_access_asked_total{access=\"webhook\",decision=\"unknown\"}", 1);
            own.awaitMetric("sluice_access_asked_total{access=\"webhook\",decision=\"allowed\"}", 2);
        } finally {
            backend.goOn();
        }
    }

    @Tag("long")
    @Test
    void timedOutQuestionIsNotSentToTheWebhook() {
        Map<String, String> config = Map.of(
                "sluice.routes.webhook.audience", "subscribers",
                "sluice.routes.webhook.access", "webhook",
                "sluice.webhook.url", backend.url(),
                "sluice.webhook.timeout", "500ms",
                "sluice.webhook.concurrency", "1");
        backend.answers(200);
        backend.hang();
        try (Pod own = Pod.ready(redis, config);
                Client client = Client.of(own, "7")) {
            // In one message, so that all time out at about the same moment.
            client.send(IntStream.range(0, 20)
                    .mapToObj(i -> "\"webhook:late-" + i + "\"")
                    .collect(Collectors.joining(",", "{\"action\":\"subscribe\",\"channels\":[", "]}")));
            for (int i = 0; i < 20; i++) {
                assertThat(client.next()).contains("\"unavailable\"");
            }
            backend.goOn();
            awaitSubscribed(client, "webhook:in-time");
            // Some may have been sent just before their timeouts.
            assertThat(backend.requests().stream().filter(request -> request.contains("webhook:late-")))
                    .hasSizeBetween(1, 10);
        } finally {
            backend.goOn();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {"http; 'HTTP/1.1 200 OK|Content-Length: 9||1'; POST / HTTP/1.1", "https; ''; ''"})
    void connectionOfAnAnswerThatDoesNotEndIsClosed(String scheme, String answer, String asked) throws IOException {
        try (ServerSocket slow = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Map<String, String> config = Map.of(
                    "sluice.routes.webhook.audience", "subscribers",
                    "sluice.routes.webhook.access", "webhook",
                    "sluice.webhook.url", scheme + "://localhost:" + slow.getLocalPort(),
                    "sluice.webhook.timeout", "2s");
            try (Pod own = Pod.ready(redis, config);
                    Client client = Client.of(own, "7")) {
                subscribe(client, "webhook:endless");
                try (Socket connection = slow.accept()) {
                    // Less than Vert.x waits for a TLS handshake.
                    connection.setSoTimeout(8_000);
                    connection
                            .getOutputStream()
                            .write(answer.replace("|", "\r\n").getBytes(US_ASCII));
                    String request = new String(connection.getInputStream().readAllBytes(), US_ASCII);
                    assertThat(request).startsWith(asked);
                    assertThat(client.next()).contains("\"unavailable\"", "webhook:endless");
                }
                own.assertNoErrors();
            }
        }
    }

    @Test
    void channelOfAnotherUserCannotBeSubscribed() {
        try (Client client = claiming("7", "user:*")) {
            subscribe(client, "user:8");
            assertThat(client.next()).contains("\"bad_channel\"");
            redis.publish("user:8", "private");
            pod.awaitHandled(redis);
            client.assertNothingMore();
        }
    }

    private static Client claiming(String user, String... channels) {
        return authenticated(claims(user, channels));
    }

    private static String claim(String user, String... channels) {
        return Tokens.sign(claims(user, channels));
    }

    private static JwtClaims claims(String user, String... channels) {
        JwtClaims claims = Tokens.claims(user);
        claims.setStringListClaim("channels", channels);
        return claims;
    }

    private static Client authenticated(JwtClaims claims) {
        Client client = Client.connect(pod.webSocket("/ws")).authenticate(Tokens.sign(claims));
        assertThat(client.next()).contains("auth_success");
        return client;
    }

    private static void subscribe(Client client, String channel) {
        client.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\"}");
    }

    private static void assertSubscribed(Client client, String channel) {
        subscribe(client, channel);
        assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"" + channel + "\"}");
    }

    /** Asks again while the question times out. */
    private static void awaitSubscribed(Client client, String channel) {
        await("an answer").until(() -> {
            subscribe(client, channel);
            return client.next().equals("{\"action\":\"subscribed\",\"channel\":\"" + channel + "\"}");
        });
    }

    private static void assertHears(Client client, String channel) {
        assertSubscribed(client, channel);
        redis.publish(channel, "hello " + channel);
        assertThat(client.next()).isEqualTo("hello " + channel);
    }

    private static void assertForbidden(Client client, String channel) {
        subscribe(client, channel);
        assertThat(client.next()).contains("\"error\"", "\"forbidden\"", "\"channel\":\"" + channel + "\"");
        assertThat(client.isOpen()).isTrue();
    }
}
