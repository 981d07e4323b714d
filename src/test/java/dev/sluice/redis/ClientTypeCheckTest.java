package dev.sluice.redis;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.configuration.ConfigurationException;
import io.vertx.redis.client.RedisClientType;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.RedisRole;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientTypeCheckTest {

    @ParameterizedTest
    @CsvSource({
        "<default>, REPLICATION, quarkus.redis.client-type replication",
        "feed, REPLICATION, quarkus.redis.client-type (or quarkus.redis.feed.client-type) replication",
    })
    void replicationIsRefused(String client, RedisClientType type, String message) {
        assertThatThrownBy(() -> ClientTypeCheck.check(client, new RedisOptions().setType(type)))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining(message + " is not supported");
    }

    @ParameterizedTest
    @CsvSource({
        "<default>, REPLICA, quarkus.redis.role must be master, is replica",
        "feed, SENTINEL, quarkus.redis.role (or quarkus.redis.feed.role) must be master, is sentinel",
    })
    void sentinelRoleOtherThanMasterIsRefused(String client, RedisRole role, String message, String is) {
        RedisOptions options =
                new RedisOptions().setType(RedisClientType.SENTINEL).setRole(role);
        assertThatThrownBy(() -> ClientTypeCheck.check(client, options))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining(message + ", " + is);
    }

    @Test
    void otherTypesAreAccepted() {
        assertThatCode(() -> {
                    ClientTypeCheck.check("feed", new RedisOptions());
                    ClientTypeCheck.check("feed", new RedisOptions().setType(RedisClientType.CLUSTER));
                    ClientTypeCheck.check("feed", new RedisOptions().setType(RedisClientType.SENTINEL));
                })
                .doesNotThrowAnyException();
    }
}
