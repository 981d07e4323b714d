package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the documented ways to configure Redis's user and password. */
@Execution(ExecutionMode.CONCURRENT)
class RedisCredentialsIT {

    private static final String PASSWORD = "a$$b${c}";

    /** The client of the feed has its own settings; the other one publishes the canary's messages. */
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

    @Test
    void userMayBeInTheAddressAndItsPasswordInASecret() {
        try (Redis redis = Redis.start();
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
                            "+role")
                    .toArray(String[]::new));
            admin.command("ACL", "SETUSER", "default", "resetchannels", "&user:*");
            assertHears(
                    redis,
                    Map.of("QUARKUS_REDIS_HOSTS", redis.uri() + "?user=sluice", "QUARKUS_REDIS_PASSWORD", "secret"));
        }
    }

    /** A sentinel without a password accepts any. */
    @ParameterizedTest
    @ValueSource(strings = {"", "requirepass secret"})
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
        Map<String, String> key = Map.of(
                "mp.jwt.verify.publickey.location", Tokens.publicKeyFile().toString());
        try (Pod pod = Pod.launched(key, environment).awaitReady();
                Client client = Client.of(pod, "7")) {
            redis.publish("user:7", "hello");
            assertThat(client.next()).isEqualTo("hello");
        }
    }
}
