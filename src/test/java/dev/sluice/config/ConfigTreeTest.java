package dev.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Overflow;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import io.smallrye.config.ConfigMappings.ConfigClass;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.smallrye.config.validator.BeanValidationConfigValidatorImpl;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads the configuration like a starting process: the shipped file, then the operator's settings. */
@Execution(ExecutionMode.CONCURRENT)
class ConfigTreeTest {

    private static final Path SHIPPED = Path.of("src", "main", "resources", "application.properties");

    @Test
    void shippedConfigurationIsValid() {
        SluiceConfig config = config(Map.of());
        assertThat(new RoutesFactory().routes(config).all())
                .containsExactlyInAnyOrder(
                        new Route("upload", Audience.SUBSCRIBERS, Access.OPEN, Overflow.LATEST, Retain.LAST, true),
                        new Route("user", Audience.USER, null, Overflow.CLOSE, Retain.NONE, true));
    }

    @Test
    void bodyLimitFollowsThePayloadLimit() throws IOException {
        String largest =
                ConfigClass.configClass(SluiceConfig.class).getProperties().get("sluice.max-payload");
        assertThat(Files.readString(SHIPPED))
                .contains("quarkus.http.limits.max-body-size=${sluice.max-payload:" + largest + "}\n");
    }

    @Test
    void configuredPrefixAddsARoute() {
        SluiceConfig config =
                config(Map.of("sluice.routes.team.audience", "subscribers", "sluice.routes.team.access", "claim"));
        assertThat(new RoutesFactory().routes(config).all())
                .contains(new Route("team", Audience.SUBSCRIBERS, Access.CLAIM, Overflow.CLOSE, Retain.NONE, true));
    }

    @ParameterizedTest
    @CsvSource({
        "sluice.auth.timeout, 0s, at least 1ms",
        "sluice.heartbeat.interval, 0s, at least 1ms",
        "sluice.canary.interval, 0s, at least 1ms",
        "sluice.canary.missed-beats, 0, at least 1",
        "sluice.canary.reconnect, 0s, at least 100ms",
        "sluice.canary.reconnect, 99ms, at least 100ms",
        "sluice.gap.spread, -1s, at least 0s",
        "sluice.drain.delay, -1s, at least 0s",
        "sluice.drain.period, -1s, at least 0s",
        "sluice.connections.max-age, 0s, at least 1ms",
        "sluice.webhook.timeout, 0s, at least 1ms",
        "sluice.webhook.concurrency, 0, at least 1",
        "sluice.webhook.cache, -1s, at least 0s",
        "sluice.webhook.cache-size, -1, at least 0",
        "sluice.owner.timeout, 0s, at least 1ms",
        "sluice.owner.concurrency, 0, at least 1",
        "sluice.access.pending, 0, at least 1",
        "sluice.limits.connects-per-second, 0, at least 1",
        "sluice.limits.connections, 0, at least 1",
        "sluice.http.request-timeout, 0s, at least 1ms",
        "sluice.limits.unauthenticated, 0, at least 1",
        "sluice.limits.connections-per-user, 0, at least 1",
        "sluice.limits.connections-per-address, 0, at least 1",
        "sluice.limits.frames-per-second, 0, from 1 to 1000000",
        "sluice.limits.frames-per-second, 1000001, from 1 to 1000000",
        "sluice.limits.frames-burst, 0, from 1 to 1000000",
        "sluice.limits.inbound-bytes-per-connection, 1023, from 1K to 1024M",
        "sluice.liveness.max-block, 100ms, at least 1s",
        "sluice.max-frame, 10, from 1K to 2047M",
        "sluice.limits.subscriptions-per-user, 0, at least 1",
        "sluice.feed.backoff.initial, 0s, at least 1ms",
        "sluice.feed.connect-timeout, 0s, at least 1ms",
        "sluice.max-payload, 0, from 1 to 2047M",
        "sluice.max-payload, 2048M, from 1 to 2047M",
        "sluice.outbox.max-bytes, 1K, from 16K to 2047M",
        "sluice.outbox.max-stall, 0s, at least 1ms",
        "sluice.outbox.max-flush, 0s, at least 1ms",
        "sluice.webhook.connect.token-bytes, 31K, from 32K to 1024M",
        "sluice.http.header-lines, 15, from 16 to 10000",
        "sluice.http.pipelined-requests, 0, from 1 to 1000",
        "sluice.http.pipelined-requests, 1001, from 1 to 1000",
        "sluice.history.max-age, 999ms, at least 1s",
        "sluice.history.max-bytes, 1023K, at least 1M",
        "sluice.history.max-replay, 1023, at least 1K",
        "sluice.streams.max-reads, 0, from 1 to 1024",
        "sluice.streams.max-read-entries, 1, from 2 to 10000",
        "sluice.streams.max-read-bytes, 1023, at least 1K",
        "sluice.streams.timeout, 0s, at least 1ms",
        "sluice.streams.max-length, 0, from 1 to 1000000000",
        "sluice.streams.max-age, 0s, from 1s to 36500d",
        "sluice.retain.max-age, 0s, at least 1ms",
        "sluice.retain.max-bytes, 0, at least 1",
        "sluice.retain.max-channels, 0, at least 1",
        "sluice.subscriptions.linger, -1s, from 0s to 24h",
        "sluice.subscriptions.linger, 90000s, from 0s to 24h",
        "sluice.subscriptions.linger-max-bytes, 0, at least 1",
        "sluice.feed.pending.max-bytes, 0, at least 1",
        "sluice.feed.pending.max-pause, 0s, at least 1ms",
        "sluice.publish.timeout, 0s, at least 1ms",
        "sluice.publish.concurrency, 0, from 1 to 1024",
        "sluice.publish.concurrency, 1025, from 1 to 1024",
    })
    void messageOfAValueOutOfBoundsNamesKeyAndBounds(String key, String value, String bounds) {
        assertRefused(key, value, key + " must be " + bounds + ", is " + value);
    }

    @ParameterizedTest
    @CsvSource({
        "sluice.routes.team.audience, everybody, subscribers",
        "sluice.routes.upload.overflow, drop, latest",
        "sluice.routes.upload.retain, all, last",
        "sluice.routes.upload.source, queue, stream",
        "sluice.subscriptions.scope, tab, connection",
        "sluice.readiness.redis, sometimes, startup",
        "sluice.outbox.wire, pigeon, direct",
        "sluice.auth.on-expiry, wait, keep",
    })
    void messageOfAnInvalidChoiceNamesTheChoices(String key, String value, String choice) {
        assertThatThrownBy(() -> config(Map.of(key, value)))
                .hasMessageContaining(key)
                .hasMessageContaining(value)
                .hasMessageContaining(choice);
    }

    @ParameterizedTest
    @CsvSource({"sluice.auth.timeout, soon", "sluice.max-payload, much", "sluice.limits.connections, many"})
    void messageOfAnUnreadableValueNamesTheKey(String key, String value) {
        assertThatThrownBy(() -> config(Map.of(key, value))).hasMessageContaining(key);
    }

    @ParameterizedTest
    @ValueSource(strings = {"sluice.misspelt", "sluice.limits.misspelt", "sluice.routes.upload.misspelt"})
    void messageOfAnUnknownKeyNamesIt(String key) {
        assertThatThrownBy(() -> config(Map.of(key, "1"))).hasMessageContaining(key);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "sluice.outbox.max-bytes; 511K; twice sluice.max-payload, which is 256K, is 511K",
                "sluice.outbox.max-flush; 29s; sluice.outbox.max-stall, which is 30s, is 29s",
                "sluice.max-payload; 513K; sluice.outbox.max-bytes must be",
                "sluice.max-frame; 8M; sluice.limits.inbound-bytes must be at least 33554944",
                "sluice.limits.inbound-bytes; 100K; sluice.max-frame, which is 32K, is 100K",
                "sluice.limits.inbound-bytes; 63K; sluice.limits.inbound-bytes-per-connection, which is 64K, is 63K",
                "sluice.limits.inbound-bytes; 0; sluice.limits.inbound-bytes must be at least 1, is 0",
                "sluice.history.max-replay; 513K; at most half of sluice.outbox.max-bytes, which is 1M, is 513K",
                "sluice.feed.backoff.max; 1ms; sluice.feed.backoff.initial, which is 100ms, is 1ms",
                "sluice.routes.user.retain; last; sluice.routes.user.retain is last, but clients can't subscribe",
                "sluice.routes.upload.source; stream; sluice.routes.upload.retain is last, but the source is a stream",
                "sluice.routes.upload.access; webhook; sluice.webhook.url is not set",
                "sluice.routes.sluice.audience; user; sluice.routes.sluice: a prefix must be",
                "sluice.routes.\"{a$b}\".audience; user; sluice.routes.{a$b}: a prefix must be",
                "sluice.routes.team.audience; subscribers; sluice.routes.team.access must be set",
                "sluice.webhook.url; http://example.org:0/; sluice.webhook.url has an invalid port",
                "sluice.webhook.connect.url; https://example.org:65536; sluice.webhook.connect.url has an invalid port",
                "sluice.webhook.url; ftp://example.org; sluice.webhook.url is not an http or https URL",
                "sluice.webhook.connect.url; ftp://example.org/; sluice.webhook.connect.url is not an http or https URL",
                "sluice.webhook.connect.url; /may-connect; sluice.webhook.connect.url is not an http or https URL",
                "sluice.webhook.connect.url; http:///nowhere; sluice.webhook.connect.url is not an http or https URL",
                "sluice.webhook.connect.url; http:/nowhere; sluice.webhook.connect.url is not an http or https URL",
                "sluice.control.secret; a secret that is too short; at least 32 bytes, has 26",
            })
    void messageOfContradictorySettingsNamesThem(String key, String value, String message) {
        assertRefused(key, value, message);
    }

    @Test
    void routeNeedsAnAudience() {
        assertRefused("sluice.routes.team.access", "open", "sluice.routes.team.audience");
    }

    @Test
    void messageContainsNoSecrets() {
        assertThatThrownBy(() -> config(Map.of(
                        "sluice.control.secret", "hunter2", "sluice.webhook.url", "ftp://me:hunter2@example.org")))
                .hasMessageContaining("sluice.control.secret")
                .hasMessageContaining("sluice.webhook.url")
                .hasMessageNotContaining("hunter2");
    }

    private static void assertRefused(String key, String value, String message) {
        assertThatThrownBy(() -> config(Map.of(key, value)))
                .as("%s=%s", key, value)
                .hasMessageContaining(message);
    }

    private static SluiceConfig config(Map<String, String> set) {
        try {
            return new SmallRyeConfigBuilder()
                    .withMapping(SluiceConfig.class)
                    .withValidator(new BeanValidationConfigValidatorImpl())
                    .addDiscoveredConverters()
                    .addDefaultInterceptors()
                    .withSources(
                            new PropertiesConfigSource(SHIPPED.toUri().toURL(), 100),
                            new PropertiesConfigSource(set, "set by the operator", 400))
                    .build()
                    .getConfigMapping(SluiceConfig.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
