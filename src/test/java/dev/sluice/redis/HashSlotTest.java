package dev.sluice.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HashSlotTest {

    /** As CLUSTER KEYSLOT of Redis 7.0 answers. */
    @ParameterizedTest
    @CsvSource({
        "123456789, 12739",
        "foo, 12182",
        "upload:42, 11003",
        "'', 0",
        "{foo}bar, 12182",
        "a{foo}{bar}, 12182",
        "user:Zoë, 1795",
    })
    void slotsAreThoseOfRedis(String name, int slot) {
        assertThat(HashSlot.of(name.getBytes(StandardCharsets.UTF_8))).isEqualTo(slot);
    }

    @Test
    void emptyOrOpenTagIsNone() {
        assertThat(slot("{}foo")).isNotEqualTo(slot("foo")).isEqualTo(9500);
        assertThat(slot("{foo")).isEqualTo(13308);
        assertThat(slot("}foo{bar}")).isEqualTo(slot("bar"));
    }

    private static int slot(String name) {
        return HashSlot.of(name.getBytes(StandardCharsets.UTF_8));
    }
}
