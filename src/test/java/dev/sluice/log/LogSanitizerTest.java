package dev.sluice.log;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LogSanitizerTest {

    @Test
    void lineBreaksControlCharactersAndExcessLengthAreRemoved() {
        assertThat(LogSanitizer.text("user:7\r\n2026 ERROR forged\u001b[31m é"))
                .isEqualTo("user:7??2026 ERROR forged?[31m ?");
        assertThat(LogSanitizer.text("x".repeat(5000))).hasSize(203).endsWith("...");
        assertThat(LogSanitizer.text(null)).isEmpty();
    }
}
