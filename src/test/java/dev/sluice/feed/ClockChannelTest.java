package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Era;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ClockChannelTest {

    private static final int MAX_PAYLOAD = 1000;

    private final ClockChannel channel =
            ClockChannel.of(Map.of("upload", true, "user", true), MAX_PAYLOAD, Era.Kind.COMMON);

    @Test
    void orderOfTheRoutesDoesNotMatter() {
        Map<String, Boolean> reversed = new LinkedHashMap<>();
        reversed.put("user", true);
        reversed.put("upload", true);
        assertThat(ClockChannel.of(reversed, MAX_PAYLOAD, Era.Kind.COMMON)).isEqualTo(channel);
        assertThat(channel.name()).matches("sluice:clock:[0-9a-f]{16}");
    }

    @Test
    void podsWithOtherRoutesOrLimitsHaveAnotherChannel() {
        assertThat(ClockChannel.of(Map.of("upload", true, "user", true), MAX_PAYLOAD + 1, Era.Kind.COMMON))
                .isNotEqualTo(channel);
        assertThat(ClockChannel.of(Map.of("upload", true, "user", false), MAX_PAYLOAD, Era.Kind.COMMON))
                .isNotEqualTo(channel);
        assertThat(ClockChannel.of(Map.of("upload", true, "user", true, "team", true), MAX_PAYLOAD, Era.Kind.COMMON))
                .isNotEqualTo(channel);
    }
}
