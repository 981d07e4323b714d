package dev.sluice.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.configuration.ConfigurationException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RoutesTest {

    private record Config(Map<String, RouteConfig> byPrefix) implements RoutesConfig {}

    private record One(Audience audience, Optional<Access> access, Overflow overflow, Retain retain)
            implements RoutesConfig.RouteConfig {}

    private static final One OPEN =
            new One(Audience.SUBSCRIBERS, Optional.of(Access.OPEN), Overflow.LATEST, Retain.LAST);
    private static final One USER = new One(Audience.USER, Optional.empty(), Overflow.CLOSE, Retain.NONE);

    private final Routes routes = new Routes(new Config(Map.of("upload", OPEN, "user", USER)));

    @Test
    void findsTheRouteByThePrefix() {
        Channel channel = known("upload:42");
        assertThat(channel.name()).isEqualTo("upload:42");
        assertThat(channel.route())
                .isEqualTo(new Route("upload", Audience.SUBSCRIBERS, Access.OPEN, Overflow.LATEST, Retain.LAST));
        assertThat(known("user:7").route().audience()).isEqualTo(Audience.USER);
    }

    @Test
    void keepsLaterColonsInTheId() {
        assertThat(known("upload:a:b:").name()).isEqualTo("upload:a:b:");
        assertThat(known("upload::").name()).isEqualTo("upload::");
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
        assertThat(more.all()).extracting(Route::prefix).containsExactly("team");
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
        One silent = new One(Audience.SUBSCRIBERS, Optional.empty(), Overflow.LATEST, Retain.NONE);
        assertThatThrownBy(() -> new Routes(new Config(Map.of("team", silent))))
                .hasMessageContaining("sluice.routes.team.access");
    }

    @Test
    void refusesToKeepWhatNobodyCanAskFor() {
        One kept = new One(Audience.USER, Optional.empty(), Overflow.CLOSE, Retain.LAST);
        assertThatThrownBy(() -> new Routes(new Config(Map.of("team", kept))))
                .hasMessageContaining("sluice.routes.team.retain");
    }

    @Test
    void aChannelIsItsBytesWhereverTheyCameFrom() {
        byte[] published = "upload:42 and the payload".getBytes(StandardCharsets.UTF_8);
        Channel heard = Objects.requireNonNull(routes.resolve(published, "upload:42".length()));
        assertThat(heard).isEqualTo(known("upload:42")).hasSameHashCodeAs(known("upload:42"));
        assertThat(heard).isEqualByComparingTo(known("upload:42")).isNotEqualTo(known("upload:4"));
        assertThat(heard.compact()).isEqualTo(heard);
        assertThat(heard.name()).isEqualTo("upload:42");
    }

    @Test
    void bytesThatAreNotUtf8AreNobodysName() {
        byte[] invalid = {'u', 's', 'e', 'r', ':', (byte) 0xff};
        assertThat(routes.resolve(invalid, invalid.length)).isNotNull().isNotEqualTo(known("user:\uFFFD"));
        assertThat(routes.resolve("user:\uD800")).as("a lone surrogate").isNull();
    }

    @Test
    void aUserHearsTheChannelsOfItsNameOnly() {
        assertThat(routes.ofUser("7")).containsExactly(known("user:7"));
        assertThat(routes.ofUser("")).isEmpty();
        assertThat(routes.ofUser("\uD800")).isEmpty();
        assertThat(routes.ofUser("x".repeat(257))).isEmpty();
    }

    private Channel known(String name) {
        return Objects.requireNonNull(routes.resolve(name));
    }
}
