package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import java.util.Map;
import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients are told which users join and leave a channel, on two pods of one fleet with a grace of five seconds. */
@Order(2)
@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#feedsOfOwnPods")
class PresenceIT {

    private static final Map<String, String> CONFIG = Map.of(
            "sluice.control.secret", "a secret of the tests, which is long enough",
            "sluice.presence.grace", "5s",
            "sluice.control.timeout", "5s",
            "sluice.routes.upload.presence", "true",
            "sluice.routes.team.audience", "subscribers",
            "sluice.routes.team.access", "claim");

    // Without the other pods of a stage, which do not share the secret.
    @AutoClose
    private static Redis redis;

    private static Pod one;
    private static Pod two;

    /** JUnit passes to {@link #start} only what the class declares. */
    @Parameter
    PodVariant variant;

    @BeforeAll
    static void startRedis() {
        redis = Redis.start();
    }

    @BeforeParameterizedClassInvocation
    static void start(PodVariant variant) {
        Map<String, String> config = variant.with(CONFIG);
        one = Pod.started(redis, config);
        two = Pod.ready(redis, config);
        one.awaitReady();
    }

    @AfterParameterizedClassInvocation
    static void stop() {
        two.close();
        one.close();
    }

    @Test
    void usersJoinOnceAndLeaveAfterTheGrace() {
        String channel = "upload:" + Stage.upload();
        try (Client watcher = v2(one, "watcher")) {
            watcher.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\",\"presence\":true}");
            assertThat(watcher.next()).startsWith("{\"action\":\"subscribed\"");
            assertThat(next(watcher)).isEqualTo(present(channel, 1, "\"watcher\""));
            Client moving = subscribed(two, "moving", channel);
            assertThat(next(watcher)).isEqualTo(event("join", channel, "moving"));
            Client staying = subscribed(one, "staying", channel);
            assertThat(next(watcher)).isEqualTo(event("join", channel, "staying"));

            // Changes pods, has two connections meanwhile, and then none for a moment: no events.
            Client moved = subscribed(one, "moving", channel);
            moving.close();
            moved.close();
            moving = subscribed(two, "moving", channel);

            staying.close();
            assertThat(next(watcher)).isEqualTo(event("leave", channel, "staying"));
            watcher.send("{\"action\":\"presence\",\"channel\":\"" + channel + "\"}");
            assertThat(next(watcher)).isEqualTo(present(channel, 2, "\"moving\",\"watcher\""));
            moving.send("{\"action\":\"unsubscribe\",\"channel\":\"" + channel + "\"}");
            assertThat(next(moving)).as("no events unasked").startsWith("{\"action\":\"unsubscribed\"");
            assertThat(next(watcher)).isEqualTo(event("leave", channel, "moving"));
            moving.close();
        }
        assertThat(one.metric("sluice_presence_events_total{event=\"leave\"}")).isPositive();
    }

    /** Redis counts such a pod, but the others do not hear of its users. */
    @Test
    void listIsIncompleteWhileAPodWithoutTheSecretIsSubscribed() {
        String channel = "upload:" + Stage.upload();
        try (Client watcher = v2(one, "watcher")) {
            watcher.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\",\"presence\":true}");
            assertThat(watcher.next()).startsWith("{\"action\":\"subscribed\"");
            await("all are known").until(() -> asked(watcher, channel).contains("\"complete\":true"));
            try (Redis.Listener pod = redis.listen("sluice:control");
                    Client joining = subscribed(one, "joining", channel)) {
                assertThat(pod.next())
                        .as("one of the other pods tells it something")
                        .isNotEmpty();
                await("another subscriber").until(() -> asked(watcher, channel).contains("\"complete\":false"));
                assertThat(joining.isOpen()).isTrue();
            }
            await("it has gone").until(() -> asked(watcher, channel).contains("\"complete\":true"));
        }
    }

    private static String asked(Client watcher, String channel) {
        watcher.send("{\"action\":\"presence\",\"channel\":\"" + channel + "\"}");
        String message = next(watcher);
        while (!message.startsWith("{\"action\":\"presence\"")) {
            message = next(watcher);
        }
        return message;
    }

    @Test
    void eventsAreOnlyForClientsThatAskAndRoutesThatAllow() {
        String channel = "upload:" + Stage.upload();
        try (Client old = Client.of(one, "old");
                Client watcher = v2(one, "watcher")) {
            old.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\",\"presence\":true}");
            assertThat(old.next()).startsWith("{\"action\":\"subscribed\"");
            watcher.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\",\"presence\":1}");
            assertThat(next(watcher)).contains("bad_message");
            watcher.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\",\"presence\":true}");
            assertThat(watcher.next()).startsWith("{\"action\":\"subscribed\"");
            assertThat(next(watcher)).isEqualTo(present(channel, 2, "\"old\",\"watcher\""));
            try (Client joining = subscribed(two, "joining", channel)) {
                assertThat(next(watcher)).isEqualTo(event("join", channel, "joining"));
                assertThat(joining.isOpen()).isTrue();
            }
            old.send("{\"action\":\"ping\",\"id\":1}");
            assertThat(old.next()).startsWith("{\"action\":\"pong\"");
        }
        JwtClaims claims = Tokens.claims("7");
        claims.setStringListClaim("channels", "team:red");
        try (Client team = v2With(one, Tokens.sign(claims))) {
            team.send("{\"action\":\"subscribe\",\"channel\":\"team:red\",\"presence\":true}");
            assertThat(team.next()).startsWith("{\"action\":\"subscribed\"");
            assertThat(next(team)).contains("unknown_action", "the channel has no presence");
        }
    }

    @Test
    void sdkTellsItsUsersWhoJoinsAndLeaves() {
        String channel = "upload:" + Stage.upload();
        try (SdkClient sdk =
                SdkClient.start(SdkClient.Sdk.JAVASCRIPT, one.webSocket("/connection/websocket"), Tokens.of("sdk"))) {
            sdk.await("own user:sdk false false");
            sdk.send("subscribe " + channel);
            sdk.await("subscribed " + channel + " false false");
            sdk.send("users " + channel);
            sdk.await("users " + channel + " sdk");
            try (Client other = subscribed(two, "other", channel)) {
                sdk.await("join " + channel + " other");
                sdk.send("users " + channel);
                sdk.await("users " + channel + " other,sdk");
                assertThat(other.isOpen()).isTrue();
            }
            sdk.await("leave " + channel + " other");
        }
    }

    private static Client subscribed(Pod pod, String user, String channel) {
        Client client = v2(pod, user);
        client.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\"}");
        assertThat(client.next()).startsWith("{\"action\":\"subscribed\"");
        return client;
    }

    private static Client v2(Pod pod, String user) {
        return v2With(pod, Tokens.of(user));
    }

    private static Client v2With(Pod pod, String token) {
        Client client = Client.connect(pod.webSocket("/ws"), Map.of("Authorization", "Bearer " + token), "sluice.v2");
        assertThat(client.next()).startsWith("{\"action\":\"auth_success\"");
        return client;
    }

    /** Returns the next message other than a mark. */
    private static String next(Client client) {
        while (true) {
            String message = client.next();
            if (!message.startsWith("{\"action\":\"mark\"")) {
                return message;
            }
        }
    }

    private static String present(String channel, int count, String users) {
        return "{\"action\":\"presence\",\"channel\":\"" + channel + "\",\"scope\":\"fleet\",\"count\":" + count
                + ",\"users\":[" + users + "],\"complete\":true}";
    }

    private static String event(String action, String channel, String user) {
        return "{\"action\":\"" + action + "\",\"channel\":\"" + channel + "\",\"user\":\"" + user + "\"}";
    }
}
