package dev.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PathSegmentTest {

    @ParameterizedTest
    @CsvSource({
        "upload:42, upload:42",
        "upload%3A42, upload:42",
        "user:a%2Fb%3bc, user:a/b;c",
        "user:a+b, user:a+b",
        "user:%C3%A9, user:é",
        "user:%F0%9F%98%80, user:😀",
        "user:100%25, user:100%",
    })
    void whatIsEncodedIsDecodedOnce(String encoded, String decoded) {
        assertThat(PathSegment.decode(encoded)).isEqualTo(decoded);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "%",
                "a%4",
                "%zz",
                "%-1",
                "%+1",
                "%ff",
                "%C3",
                "%C3%28",
                "%ED%A0%80",
                "%C0%AF",
                "é",
                "a b",
                "a\u0000"
            })
    void whatIsBrokenIsRefusedRatherThanGuessed(String encoded) {
        assertThatThrownBy(() -> PathSegment.decode(encoded)).isInstanceOf(ProblemException.class);
    }
}
