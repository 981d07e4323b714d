package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests the documented ways to configure Redis's user and password. */
@Execution(ExecutionMode.CONCURRENT)
class RedisCredentialsIT {

    private static final String PASSWORD = "a$$b${c}";

    /** The client of the feed has its own settings; the other one publishes the canary's messages. */
    @Tag("long")
    @Test
    void passwordWithDollarsMayBePercentEncodedInTheAddressOrHaveEachDoubled() {
        try (Redis redis = Redis.withPassword(PASSWORD)) {
            String hosts = "redis://:a%24%24b%24%7Bc%7D@127.0.0.1:" + redis.port();
            assertHears(
                    redis,
                    Map.of(
                            "QUARKUS_REDIS_HOSTS",
                            hosts,
                            "QUARKUS_REDIS_FEED_HOSTS",
                            redis.uri(),
                            "QUARKUS_REDIS_FEED_PASSWORD",
                            "a$$$$b$${c}"));
        }
    }

    /** With exactly the documented rights, for a route that reads streams as well. */
    @Test
    void userMayBeInTheAddressAndItsPasswordInASecret() {
        try (Redis redis = Redis.withOptions("--notify-keyspace-events", "Kt");
                Redis.Admin admin = redis.admin()) {
            admin.command(List.of(
                            "ACL",
                            "SETUSER",
                            "sluice",
                            "on",
                            ">secret",
                            "resetchannels",
                            "&upload:*",
                            "&user:*",
                            "&sluice:*",
                            "+subscribe",
                            "+psubscribe",
                            "+publish",
                            "+role",
                            "&__keyspace@0__:result:*",
                            "&__keyspace@0__:sluice:streams:*",
                            "~result:*",
                            "~sluice:streams:*",
                            "+xrange",
                            "+xrevrange",
                            "+xadd",
                            "+expire",
                            "+pexpire")
                    .toArray(String[]::new));
            admin.command("ACL", "SETUSER", "default", "resetchannels", "&user:*");
            assertHears(
                    redis,
                    Map.of(
                            "QUARKUS_REDIS_HOSTS", redis.uri() + "?user=sluice",
                            "QUARKUS_REDIS_FEED_HOSTS", "redis://sluice@127.0.0.1:" + redis.port(),
                            "QUARKUS_REDIS_PASSWORD", "secret",
                            "SLUICE_ROUTES_RESULT_AUDIENCE", "subscribers",
                            "SLUICE_ROUTES_RESULT_ACCESS", "open",
                            "SLUICE_ROUTES_RESULT_SOURCE", "stream"),
                    pod -> assertReadsAndWritesStreams(pod, redis));
        }
    }

    private static void assertReadsAndWritesStreams(Pod pod, Redis redis) {
        try (Client client = Client.of(pod, "7")) {
            client.send("{\"action\":\"subscribe\",\"channel\":\"result:1\"}");
            assertThat(client.next()).contains("\"subscribed\"");
            redis.reply("XADD", "result:1", "*", "data", "one");
            assertThat(client.next()).isEqualTo("one");
            assertThat(Api.publisher(pod)
                            .post("/api/channels/result:1/messages", "two")
                            .statusCode())
                    .isEqualTo(202);
            assertThat(client.next()).isEqualTo("two");
            await("expiry").until(() -> (Long) redis.reply("PTTL", "result:1") > 0);
            assertThat((List<?>) redis.reply("ACL", "LOG"))
                    .filteredOn(entry -> entry.toString().contains("result"))
                    .isEmpty();
        }
    }

    /** A sentinel without a password accepts any. */
    static List<String> passwords() {
        return Histories.firstOf(List.of("requirepass secret", ""));
    }

    @Tag("long")
    @ParameterizedTest
    @MethodSource("passwords")
    void sentinelsGetTheUserAndPasswordOfTheMaster(String option) {
        try (Redis master = Redis.withPassword("secret");
                Redis sentinel = Redis.sentinelOf(master, "mymaster", "sentinel auth-pass mymaster secret", option)) {
            assertHears(
                    master,
                    Map.of(
                            "QUARKUS_REDIS_CLIENT_TYPE", "sentinel",
                            "QUARKUS_REDIS_MASTER_NAME", "mymaster",
                            "QUARKUS_REDIS_ROLE", "master",
                            "QUARKUS_REDIS_HOSTS", sentinel.uri(),
                            "QUARKUS_REDIS_PASSWORD", "secret"));
        }
    }

    private static void assertHears(Redis redis, Map<String, String> environment) {
        assertHears(redis, environment, pod -> {});
    }

    private static void assertHears(Redis redis, Map<String, String> environment, Consumer<Pod> more) {
        Map<String, String> key = Map.of(
                "mp.jwt.verify.publickey.location", Tokens.publicKeyFile().toString());
        try (Pod pod = Pod.launched(key, environment).awaitReady();
                Client client = Client.of(pod, "7")) {
            redis.publish("user:7", "hello");
            assertThat(client.next()).isEqualTo("hello");
            more.accept(pod);
        }
    }
}
