package dev.sluice.log;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.harness.Discretion;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the check that all test logs must pass. */
class DiscretionTest {

    private static final String LINE = "2026-11-25 12:00:00,000 WARN  [dev.sluice.X] (main) It says %s, it seems\n";
    private static final String PAYLOAD = "{\"text\":\"a payload of this test, longer than the compared part\"}";
    private static final String SECRET = "a secret of this test";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl",
                "eyJzdWIiOiI3In0",
                "Bearer nonsense",
                "authorization: something",
                "Cookie: a=b",
                "-----BEGIN PRIVATE KEY-----",
                "redis://sluice:secret@127.0.0.1:6379",
                SECRET,
                PAYLOAD,
                "two\rlines",
                "\u001b[31mred",
                "a line that goes on\u2028here",
                "\u202eback",
                "\u0000"
            })
    void secretsInLogsAreDetected(String said) {
        Discretion.published(PAYLOAD.getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> Discretion.assertKept(LINE + LINE.formatted(said) + LINE, List.of(SECRET)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("It says");
    }

    @Test
    void publicTextContainsNoSecret() {
        Discretion.published("seems".getBytes(StandardCharsets.UTF_8));
        String log = LINE.formatted("Listening on: http://0.0.0.0:8080")
                + LINE.formatted("redis://127.0.0.1:6379, with Authorization, a cookie or a Bearer")
                + "java.lang.IllegalStateException: no\n\tat dev.sluice.X.y(X.java:1)\n";
        assertThatCode(() -> Discretion.assertKept(log, List.of(SECRET))).doesNotThrowAnyException();
    }
}
