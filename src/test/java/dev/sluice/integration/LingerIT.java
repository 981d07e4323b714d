package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** A user's subscriptions are restored on the next connection to any pod, with a secret and without. */
@Order(1)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@ParameterizedClass
@MethodSource("secrets")
class LingerIT {

    private static final AtomicInteger USERS = new AtomicInteger();
    private static final Map<String, List<Pod>> FLEETS = new HashMap<>();
    private static final Redis REDIS = Redis.start();

    private final String secret;
    private final Pod one;
    private final Pod two;
    private final String user = "user-" + USERS.incrementAndGet();
    private final String upload = Stage.upload();
    private final String other = Stage.upload();

    static List<String> secrets() {
        return Histories.firstOf(List.of("a secret of the fleet's, long enough", ""));
    }

    LingerIT(String secret) {
        this.secret = secret;
        List<Pod> fleet = FLEETS.computeIfAbsent(secret, x -> List.of(pod(), pod()));
        one = fleet.get(0);
        two = fleet.get(1);
    }

    @AfterAll
    static void stop() {
        FLEETS.values().forEach(fleet -> fleet.forEach(Pod::close));
        FLEETS.clear();
    }

    private Pod pod() {
        Map<String, String> config = new HashMap<>(Map.of(
                "sluice.subscriptions.linger", "60s",
                "sluice.drain.period", "1s",
                "sluice.routes.team.audience", "subscribers",
                "sluice.routes.team.access", "claim"));
        if (!secret.isEmpty()) {
            config.put("sluice.control.secret", secret);
        }
        return Pod.ready(REDIS, config);
    }

    @Test
    void nextConnectionToTheSamePodReceivesAtOnce() {
        leaveSubscribed(one, upload);
        try (Client next = Client.of(one, user)) {
            publish(upload, "after");
            assertThat(next.next()).isEqualTo("after");
            next.assertNothingMore();
        }
    }

    @Test
    void nextConnectionToAnotherPodReceives() {
        leaveSubscribed(one, upload);
        try (Client next = Client.of(two, user)) {
            assertHears(next, upload);
        }
    }

    @Test
    void connectionToAnotherPodReceivesBeforeTheOldOneEnds() {
        try (Client old = Client.of(one, user).subscribe(upload);
                Client next = Client.of(two, user)) {
            assertHears(next, upload);
            old.awaitMessage("heard");
        }
    }

    @Test
    void restoredSubscriptionGetsNoRetainedPublication() {
        leaveSubscribed(one, upload);
        publish(upload, "meanwhile");
        two.awaitHandled(REDIS);
        try (Client next = Client.of(two, user)) {
            assertHears(next, upload);
        }
    }

    @Test
    void unsubscribedChannelIsNotRestoredOnAnyPod() {
        leaveSubscribed(one, upload, other);
        try (Client next = Client.of(two, user)) {
            assertHears(next, upload);
            next.unsubscribe(upload);
            next.leave();
            next.closeCode();
        }
        for (Pod pod : List.of(one, two, one)) {
            try (Client next = Client.of(pod, user)) {
                assertHears(next, other);
                assertHearsOnlyTheOther(next);
            }
        }
    }

    @Test
    void unsubscribeOnAnotherPodCountsDuringTheOldConnection() {
        try (Client old = Client.of(one, user).subscribe(upload).subscribe(other)) {
            try (Client next = Client.of(two, user)) {
                assertHears(next, upload);
                next.unsubscribe(upload);
            }
            await("the second connection's end").until(() -> two.metric("sluice_users") == 0);
            try (Client next = Client.of(two, user)) {
                assertHears(next, other);
                assertHearsOnlyTheOther(next);
            }
            publish(other, "end");
            old.awaitMessage("end");
            assertHearsOnlyTheOther(old);
        }
    }

    /** Last, because it ends a pod. */
    @Test
    @Order(Integer.MAX_VALUE)
    void subscriptionsOfAStoppingPodAreRestoredElsewhere() {
        // More channels than one message between pods can hold.
        int users = 150;
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < users; i++) {
                clients.add(Client.of(one, user + "-" + i).subscribe(upload));
            }
            one.terminate();
            assertThat(clients).allMatch(client -> client.closeCode() == 1012);
            one.exit(Duration.ofSeconds(60));
        } finally {
            clients.forEach(Client::close);
        }
        clients.clear();
        for (int i = 0; i < users; i++) {
            clients.add(Client.of(two, user + "-" + i));
        }
        try {
            publish(upload, "all");
            clients.forEach(client -> client.awaitMessage("all"));
        } finally {
            clients.forEach(Client::close);
        }
    }

    @Test
    void accessIsAskedAgainBeforeRestoring() {
        try (Client client = authenticated(one, "team:" + user)) {
            client.send("{\"action\":\"subscribe\",\"channel\":\"team:" + user + "\"}");
            assertThat(client.next()).contains("subscribed");
            client.subscribe(upload);
            client.leave();
            client.closeCode();
        }
        try (Client next = authenticated(two, "team:another")) {
            assertHears(next, upload);
            REDIS.publish("team:" + user, "forbidden");
            publish(upload, "allowed");
            assertThat(next.next()).isEqualTo("allowed");
        }
        try (Client next = authenticated(two, "team:" + user)) {
            assertHears(next, upload);
            REDIS.publish("team:" + user, "allowed again");
            assertThat(next.next()).isEqualTo("allowed again");
        }
    }

    @Test
    void forgedListGrantsNoSubscription() {
        String forged =
                "{\"command\":\"subscriptions\",\"from\":\"x\",\"users\":{\"%s\":{\"team:red\":%d,\"upload:%s\":%d}}}"
                        .formatted(user, System.currentTimeMillis(), upload, System.currentTimeMillis());
        for (String content : List.of(
                forged,
                "{\"command\":\"subscriptions\"}",
                "{\"command\":\"subscriptions\",\"users\":[1]}",
                "{\"command\":\"subscriptions\",\"users\":{\"x\":7,\"y\":{\"nonsense\":1,\"user:1\":1,\"upload:1\":\"x\"}}}",
                "{\"command\":\"subscriptions_wanted\",\"users\":{\"x\":[]}}",
                "{\"command\":\"disconnect_user\",\"user\":\"" + user + "\"}",
                "nonsense")) {
            REDIS.publish("sluice:control", content);
        }
        try (Client client = Client.of(one, user)) {
            REDIS.publish("sluice:control", forged);
            one.awaitHandled(REDIS);
            REDIS.publish("team:red", "forbidden");
            publish(upload, secret.isEmpty() ? "a channel to which the user has access anyway" : "not signed");
            REDIS.publish("user:" + user, "end");
            if (secret.isEmpty()) {
                assertThat(client.next()).isEqualTo("a channel to which the user has access anyway");
            }
            assertThat(client.next()).isEqualTo("end");
        }
    }

    private void leaveSubscribed(Pod pod, String... uploads) {
        try (Client client = Client.of(pod, user)) {
            for (String each : uploads) {
                client.subscribe(each);
            }
            client.leave();
            client.closeCode();
        }
        await("the end").until(() -> pod.metric("sluice_users") == 0);
    }

    private Client authenticated(Pod pod, String channel) {
        JwtClaims claims = Tokens.claims(user);
        claims.setStringListClaim("channels", channel);
        Client client = Client.connect(pod.webSocket("/ws/uploads"));
        client.authenticate(Tokens.sign(claims));
        assertThat(client.next()).contains("auth_success");
        return client;
    }

    /** Publishes until the client receives it alone, because pods learn of an unsubscribe some milliseconds later. */
    private void assertHearsOnlyTheOther(Client client) {
        await("the end of the subscription").until(() -> {
            publish(upload, "not wanted any more");
            publish(other, "wanted");
            if (client.next().equals("wanted")) {
                return true;
            }
            assertThat(client.next()).isEqualTo("wanted");
            return false;
        });
    }

    /** Publishes until the client receives it, because the exchange between pods takes some milliseconds. */
    private static void assertHears(Client client, String upload) {
        await("heard by the next connection")
                .pollInterval(Duration.ofMillis(20))
                .until(() -> {
                    publish(upload, "heard");
                    return client.hasHeard("heard");
                });
        publish(upload, "last");
        client.awaitMessage("last");
    }

    private static void publish(String upload, String payload) {
        REDIS.publish("upload:" + upload, payload);
    }
}
