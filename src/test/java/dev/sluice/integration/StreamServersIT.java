package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ResumingClient;
import dev.sluice.harness.Tokens;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One pod reads and resumes a stream on each server that Sluice supports; {@code SentinelIT} does so with Sentinel. */
@Tag("long")
class StreamServersIT {

    private static final String CHANNEL = "result:1";

    enum Server {
        REDIS_6 {
            @Override
            void start() {
                redis.startAgain();
            }
        },
        REDIS_7 {
            @Override
            void start() {
                redis.startAgainAsDebian();
            }
        },
        VALKEY {
            @Override
            void start() {
                assumeTrue(
                        Redis.hasValkey() || Boolean.parseBoolean(System.getenv("CI")),
                        "needs a valkey-server; .ci/tools installs it");
                redis.startAgainAsValkey();
            }
        };

        abstract void start();
    }

    @AutoClose
    private static Redis redis;

    @AutoClose
    private static Pod pod;

    @BeforeAll
    static void start() {
        redis = Redis.withOptions("--notify-keyspace-events", "Kt");
        pod = Pod.ready(
                redis,
                Map.of(
                        "sluice.routes.result.audience", "subscribers",
                        "sluice.routes.result.access", "open",
                        "sluice.routes.result.source", "stream"));
    }

    @ParameterizedTest
    @EnumSource
    void streamIsReadAndResumed(Server server) {
        redis.kill();
        await("the pod notices").until(() -> pod.metric("sluice_feed_live") == 0);
        server.start();
        await("the pod listens").until(() -> pod.metric("sluice_feed_live") == 1);
        String one;
        try (Client client = connected()) {
            client.send(subscription(""));
            assertThat(next(client)).contains("\"subscribed\"");
            one = add("one");
            assertThat(next(client)).isEqualTo(publication(one, "one"));
        }
        String two = add("two");
        try (Client client = connected()) {
            client.send(subscription(",\"since\":\"" + one + "\""));
            assertThat(next(client)).contains("\"recovered\":true");
            assertThat(next(client)).isEqualTo(publication(two, "two"));
            String three = add("three");
            assertThat(next(client)).isEqualTo(publication(three, "three"));
            client.send("{\"action\":\"nothing more\"}");
            assertThat(next(client)).contains("unknown_action");
        }
    }

    /** Returns the next message other than a mark, which the start of the clock causes. */
    private static String next(Client client) {
        String message = client.next();
        return message.startsWith("{\"action\":\"mark\"") ? next(client) : message;
    }

    private static Client connected() {
        Client client = Client.connect(pod.webSocket("/ws"), Map.of(), ResumingClient.SUBPROTOCOL)
                .authenticate(Tokens.of("7"));
        assertThat(next(client)).contains("auth_success");
        return client;
    }

    private static String subscription(String since) {
        return "{\"action\":\"subscribe\",\"channel\":\"" + CHANNEL + "\"" + since + "}";
    }

    private static String publication(String id, String payload) {
        return "{\"channel\":\"" + CHANNEL + "\",\"id\":\"" + id + "\"}\n" + payload;
    }

    private static String add(String payload) {
        return (String) redis.reply("XADD", CHANNEL, "*", "data", payload);
    }
}
