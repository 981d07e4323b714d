package dev.sluice.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PayloadTest {

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "12345678", "ü", "12345678ü", "1234567ü89", "😀 \uFFFD \u0000"})
    void validUtf8IsText(String text) {
        assertThat(payload(text.getBytes(StandardCharsets.UTF_8)).text()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 8, 9, 15, 16, 100})
    void invalidUtf8AtAnyOffsetIsNotText(int position) {
        byte[][] invalid = {
            {(byte) 0xff}, {'a', (byte) 0xc3}, {(byte) 0xc0, (byte) 0x80}, {(byte) 0xed, (byte) 0xa0, (byte) 0x80}
        };
        for (byte[] bad : invalid) {
            byte[] bytes = new byte[position + bad.length];
            Arrays.fill(bytes, (byte) 'x');
            System.arraycopy(bad, 0, bytes, position, bad.length);
            assertThat(payload(bytes).text()).isFalse();
        }
    }

    private static Payload payload(byte[] bytes) {
        return Payload.of(1, null, bytes, 0);
    }
}
