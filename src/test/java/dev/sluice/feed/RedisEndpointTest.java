package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.redis.client.RedisClientType;
import io.vertx.redis.client.RedisOptions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RedisEndpointTest {

    @ParameterizedTest
    @CsvSource({
        "redis://localhost:6379, redis://localhost:6379",
        "redis://localhost, redis://localhost",
        "rediss://user:secret@redis.example.org:6380/3?password=secret, rediss://redis.example.org:6380",
        "redis://:sec%40ret@my_redis:6379, redis://my_redis:6379",
        "redis://:secret@[2001:db8::1]:6379, redis://[2001:db8::1]:6379",
        "unix:///var/run/redis.sock?password=secret, unix:/var/run/redis.sock",
        "redis://:sec/ret@localhost:6379, a Redis whose URI can't be read",
        "redis://:sec ret@localhost:6379, a Redis whose URI can't be read",
    })
    void describesOnlyTheAddress(String endpoint, String said) {
        assertThat(RedisEndpoint.of(endpoint)).isEqualTo(said).doesNotContain("secret");
    }

    @ParameterizedTest
    @CsvSource({
        "redis://localhost:6379, 0",
        "redis://localhost:6379/, 0",
        "rediss://user:secret@redis.example.org:6380/3?password=secret, 3",
        "redis://localhost/12, 12",
        "redis://localhost?db=4, 4",
        "unix:///var/run/5?password=secret, 0",
        "unix:///var/run/redis.sock?password=secret&db=6, 6",
    })
    void findsTheDatabase(String endpoint, int database) {
        assertThat(RedisEndpoint.database(endpoint)).isEqualTo(database);
    }

    @Test
    void describesSeveralAddressesWithTheirType() {
        RedisOptions options = new RedisOptions().setEndpoints(List.of("redis://:secret@a:1", "redis://:secret@b:2"));
        assertThat(RedisEndpoint.of(options.setType(RedisClientType.SENTINEL).setMasterName("boss")))
                .isEqualTo("master boss, says redis://a:1, redis://b:2");
        assertThat(RedisEndpoint.of(options.setType(RedisClientType.CLUSTER)))
                .isEqualTo("CLUSTER redis://a:1, redis://b:2");
    }
}
