package dev.sluice.config;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.vertx.redis.client.RedisOptions;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UrlCheckTest {

    private static final String HOSTS = "quarkus.redis.hosts";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "redis://:secret@redis:6379:6379",
                "redis://:secret@redis:65536",
                "redis://:secret@redis:0",
                "redis://:sec ret@redis:6379",
                "redis://:sec%ret@redis:6379",
                "redis://:sec/ret@redis:6379",
                "redis://:sec#ret@redis:6379",
                "redis://:sec,ret@redis:6379",
                "redis://my_redis:6379",
                "redis://:secret@my_redis:6379",
                "redis://redis:6379/secret",
                "redis://redis:6379?db=secret",
                "unix:/run/redis.sock?user=a&db=secret",
                "redis:6379",
                "redis:///",
                "secret:6379",
                "secret",
                "http://:secret@redis:6379",
                "REDIS://:secret@redis:6379",
                "redis://redis:6379,rediss://:sec^ret@redis:6379"
            })
    void unreadableAddressIsRefusedWithItsKeyAndWithoutItsValue(String value) {
        assertThatThrownBy(() -> UrlCheck.check(HOSTS, value))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith(HOSTS + ": an address ")
                .hasMessageNotContaining("secret")
                .hasMessageNotContaining("ret@")
                .hasNoCause();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "redis://redis",
                "redis://redis:6379",
                "redis://redis:6379/",
                "rediss://user:p%40ss%2F@redis:6380/2",
                "redis://sluice@redis",
                "redis://[::1]:6379",
                "redis://10.0.0.1:6379?db=2&user=a",
                "unix:/run/redis.sock",
                "unix:///run/redis.sock?db=2"
            })
    void readableAddressIsAcceptedAndReadByVertx(String address) {
        assertThatCode(() -> UrlCheck.check(HOSTS, address)).doesNotThrowAnyException();
        assertThatCode(() -> new RedisOptions().setEndpoints(List.of(address)).getPassword())
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"sluice.webhook.url", "quarkus.otel.exporter.otlp.endpoint"})
    void unreadableUrlIsRefusedWithItsKeyAndWithoutItsValue(String key) {
        assertThatThrownBy(() -> UrlCheck.check(key, "https://user:sec ret@example.org/"))
                .isInstanceOf(ConfigurationException.class)
                // What follows differs between versions of the JDK.
                .hasMessageStartingWith(key + " is not a URL: illegal character in ")
                .hasMessageNotContaining("ret")
                .hasNoCause();
        assertThatCode(() -> UrlCheck.check(key, " https://user:secret@example.org/ "))
                .doesNotThrowAnyException();
    }

    @Test
    void configurationChecksReplacedExpressionsOfEachClient() {
        var config = new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .addDiscoveredInterceptors()
                .withDefaultValue("password", "sec ret")
                .withDefaultValue(HOSTS, "redis://one:6379, redis://two:6379")
                .withDefaultValue("quarkus.redis.other.hosts", "redis://:${password}@redis:6379")
                .build();
        for (String key : List.of(HOSTS, "quarkus.redis.feed.hosts")) {
            assertThatCode(() -> config.getValues(key, URI.class)).doesNotThrowAnyException();
        }
        assertThatCode(() -> config.getOptionalValue("quarkus.redis.none.hosts", URI.class)
                        .or(Optional::empty))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> config.getValues("quarkus.redis.other.hosts", URI.class))
                .hasMessageStartingWith("quarkus.redis.other.hosts: an address is not a URL")
                .hasMessageNotContaining("ret");
    }
}
