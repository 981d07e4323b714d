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
    void segmentIsDecodedOnce(String encoded, String decoded) {
        assertThat(PathSegment.decode(encoded)).isEqualTo(decoded);
    }

    @ParameterizedTest
    @CsvSource({"id=.., ..", "id=%2E%2E, ..", "x=1&id=., .", "id=a;b, a;b", "id=%2525, %25", "id=a%2Bb&idx=7, a+b"})
    void queryParameterReplacesTheSegment(String query, String decoded) {
        assertThat(PathSegment.decode("-", "id", query)).isEqualTo(decoded);
    }

    @ParameterizedTest
    @CsvSource({"-, x=1", "7, ''"})
    void segmentIsUsedWithoutTheParameter(String path, String query) {
        assertThat(PathSegment.decode(path, "id", query)).isEqualTo(path);
    }

    @ParameterizedTest
    @CsvSource({"7, id=8", "7, id=7", "-, id=a+b", "-, id=", "-, id", "-, id=%zz", "-, id=7&id=8"})
    void ambiguousNamesAreRefused(String path, String query) {
        assertThatThrownBy(() -> PathSegment.decode(path, "id", query)).isInstanceOf(ProblemException.class);
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
    void malformedEncodingIsRefused(String encoded) {
        assertThatThrownBy(() -> PathSegment.decode(encoded)).isInstanceOf(ProblemException.class);
    }
}
