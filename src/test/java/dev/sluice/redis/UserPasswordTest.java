package dev.sluice.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.redis.client.RedisOptions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UserPasswordTest {

    @ParameterizedTest
    @CsvSource({
        "redis://sluice@redis:6379, redis://sluice:a%40b%20%24@redis:6379",
        "rediss://s%40@[::1]:6379/2?a=b, rediss://s%40:a%40b%20%24@[::1]:6379/2?a=b",
        "redis://redis:6379?user=a@b, redis://redis:6379?user=a@b",
        "redis://sluice:other@redis:6379, redis://sluice:other@redis:6379",
        "redis://:other@redis, redis://:other@redis",
        "redis://sluice:@redis, redis://sluice:@redis",
        "unix:/run/redis.sock?user=sluice, unix:/run/redis.sock?user=sluice",
    })
    void onlyAddressWithAUserAloneGetsThePassword(String address, String expected) {
        RedisOptions options =
                new RedisOptions().setEndpoints(List.of("redis://a", address)).setPassword("a@b $");
        UserPassword.complete(options);
        assertThat(options.getEndpoints()).containsExactly("redis://a", expected);
    }

    @Test
    void withoutAPasswordTheAddressStays() {
        RedisOptions options = new RedisOptions().setEndpoints(List.of("redis://sluice@redis:6379"));
        UserPassword.complete(options);
        assertThat(options.getEndpoints()).containsExactly("redis://sluice@redis:6379");
    }
}
