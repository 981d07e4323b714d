package dev.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AddressGroupTest {

    @ParameterizedTest
    @CsvSource({
        "10.0.0.1, 10.0.0.1, true",
        "10.0.0.1, 10.0.0.2, false",
        "::ffff:10.0.0.1, 10.0.0.1, true",
        "2001:db8:1:2::1, 2001:db8:1:2:3:4:5:6, true",
        "2001:db8:1:2::1, 2001:DB8:1:2:0:0:0:2, true",
        "2001:db8:1:2::1, 2001:db8:1:3::1, false",
        "a.host, a.host, true",
        "a.host, another.host, false",
    })
    void groupCountsAsOne(String one, String other, boolean same) {
        assertThat(AddressGroup.of(one).equals(AddressGroup.of(other))).isEqualTo(same);
    }

    @Test
    void entriesExpire() {
        assertThat(AddressGroup.of("x".repeat(1000))).hasSize(64);
    }
}
