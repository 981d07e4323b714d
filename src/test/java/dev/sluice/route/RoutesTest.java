package dev.sluice.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.configuration.ConfigurationException;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RoutesTest {

    private record Config(Map<String, RouteConfig> byPrefix) implements RoutesConfig {}

    private record One(Audience audience, Optional<Access> access) implements RoutesConfig.RouteConfig {}

    private static final One OPEN = new One(Audience.SUBSCRIBERS, Optional.of(Access.OPEN));
    private static final One USER = new One(Audience.USER, Optional.empty());

    private final Routes routes = new Routes(new Config(Map.of("upload", OPEN, "user", USER)));

    @Test
    void findsTheRouteByThePrefix() {
        Channel channel = known("upload:42");
        assertThat(channel.id()).isEqualTo("42");
        assertThat(channel.name()).isEqualTo("upload:42");
        assertThat(channel.route()).isEqualTo(new Route("upload", Audience.SUBSCRIBERS));
        assertThat(known("user:7").route().audience()).isEqualTo(Audience.USER);
    }

    @Test
    void keepsLaterColonsInTheId() {
        assertThat(known("upload:a:b:").id()).isEqualTo("a:b:");
        assertThat(known("upload::").id()).isEqualTo(":");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ":", "upload", "upload:", ":42", "uploads:42", "Upload:42", "sluice:canary", "other:1"})
    void knowsNoOther(String name) {
        assertThat(routes.resolve(name)).isNull();
    }

    @Test
    void boundsTheIdInBytes() {
        assertThat(routes.resolve("upload:" + "x".repeat(256))).isNotNull();
        assertThat(routes.resolve("upload:" + "x".repeat(257))).isNull();
        assertThat(routes.resolve("upload:" + "ü".repeat(128))).isNotNull();
        assertThat(routes.resolve("upload:" + "ü".repeat(128) + "x")).isNull();
        assertThat(routes.resolve("upload:" + "😀".repeat(65))).isNull();
    }

    @Test
    void takesNewPrefixesFromTheConfiguration() {
        Routes more = new Routes(new Config(Map.of("team", OPEN)));
        assertThat(more.prefixes()).containsExactly("team");
        assertThat(more.resolve("team:red")).isNotNull();
        assertThat(more.resolve("upload:42")).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"sluice", "", "a:b", "a*", "[ab]", "a?", "a b", "a.b"})
    void refusesPrefixesThatCantBe(String prefix) {
        assertThatThrownBy(() -> new Routes(new Config(Map.of(prefix, OPEN))))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("sluice.routes." + prefix);
    }

    @Test
    void refusesARouteThatDoesNotSayWhoMaySubscribe() {
        One silent = new One(Audience.SUBSCRIBERS, Optional.empty());
        assertThatThrownBy(() -> new Routes(new Config(Map.of("team", silent))))
                .hasMessageContaining("sluice.routes.team.access");
    }

    private Channel known(String name) {
        return Objects.requireNonNull(routes.resolve(name));
    }
}
