package dev.sluice.route;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RoutesTest {

    private static final Route OPEN =
            new Route("upload", Audience.SUBSCRIBERS, Access.OPEN, Overflow.LATEST, Retain.LAST, true);
    private static final Route USER = new Route("user", Audience.USER, null, Overflow.CLOSE, Retain.NONE, true);

    private final Routes routes = new Routes(List.of(OPEN, USER));

    @ParameterizedTest
    @ValueSource(strings = {"sluice", "", "a:b", "a*", "[ab]", "a?", "a b", "a.b"})
    void prefixMustBeValidInKeyAndPattern(String prefix) {
        assertThat(Routes.isPrefix(prefix)).isFalse();
        assertThat(Routes.isPrefix("My_team-2")).isTrue();
    }

    @Test
    void findsTheRouteByThePrefix() {
        Channel channel = known("upload:42");
        assertThat(channel.name()).isEqualTo("upload:42");
        assertThat(channel.route()).isEqualTo(OPEN);
        assertThat(known("user:7").route().audience()).isEqualTo(Audience.USER);
    }

    @Test
    void keepsLaterColonsInTheId() {
        assertThat(known("upload:a:b:").name()).isEqualTo("upload:a:b:");
        assertThat(known("upload::").name()).isEqualTo("upload::");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ":", "upload", "upload:", ":42", "uploads:42", "Upload:42", "sluice:canary", "other:1"})
    void unknownPrefixHasNoRoute(String name) {
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
    void channelsWithEqualBytesAreEqual() {
        byte[] published = "upload:42 and the payload".getBytes(StandardCharsets.UTF_8);
        Channel heard = Objects.requireNonNull(routes.resolve(published, "upload:42".length()));
        assertThat(heard).isEqualTo(known("upload:42")).hasSameHashCodeAs(known("upload:42"));
        assertThat(heard).isEqualByComparingTo(known("upload:42")).isNotEqualTo(known("upload:4"));
        assertThat(heard.compact()).isEqualTo(heard);
        assertThat(heard.name()).isEqualTo("upload:42");
    }

    @Test
    void channelsThatDifferAnywhereAreNotEqualDespiteEqualHashes() {
        for (int length = 1; length <= 16; length++) {
            String name = "upload:" + "a".repeat(length);
            assertThat(hashed(name)).isEqualTo(hashed(name)).isNotEqualTo(hashed(name + "a"));
            for (int at = "upload:".length(); at < name.length(); at++) {
                String other = name.substring(0, at) + "b" + name.substring(at + 1);
                assertThat(hashed(other)).isNotEqualTo(hashed(name));
            }
        }
    }

    @Test
    void bytesThatAreNotUtf8AreNotAChannel() {
        byte[] invalid = {'u', 's', 'e', 'r', ':', (byte) 0xff};
        assertThat(routes.resolve(invalid, invalid.length)).isNotNull().isNotEqualTo(known("user:\uFFFD"));
        assertThat(routes.resolve("user:\uD800")).as("a lone surrogate").isNull();
    }

    @Test
    void userReceivesOnlyItsOwnChannels() {
        assertThat(routes.ofUser("7")).containsExactly(known("user:7"));
        assertThat(routes.ofUser("")).isEmpty();
        assertThat(routes.ofUser("\uD800")).isEmpty();
        assertThat(routes.ofUser("x".repeat(257))).isEmpty();
    }

    /** Returns a channel whose hash is that of all others. */
    private Channel hashed(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        return Objects.requireNonNull(routes.resolve(bytes, bytes.length, 0));
    }

    private Channel known(String name) {
        return Objects.requireNonNull(routes.resolve(name));
    }
}
