package dev.sluice.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.buffer.Buffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FrameTest {

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "ü", "😀 \uFFFD \u0000"})
    void validUtf8IsText(String text) {
        assertThat(Frame.payload(Buffer.buffer(text), Frame.Receipt.NONE))
                .isInstanceOfSatisfying(Frame.Text.class, frame -> {
                    assertThat(frame.text()).isEqualTo(text);
                    assertThat(frame.size()).isEqualTo(Buffer.buffer(text).length());
                });
    }

    @Test
    void anythingElseIsBinaryAndUntouched() {
        byte[][] invalid = {
            {(byte) 0xff}, {'a', (byte) 0xc3}, {(byte) 0xc0, (byte) 0x80}, {(byte) 0xed, (byte) 0xa0, (byte) 0x80}
        };
        for (byte[] bytes : invalid) {
            assertThat(Frame.payload(Buffer.buffer(bytes), Frame.Receipt.NONE))
                    .isInstanceOfSatisfying(
                            Frame.Binary.class,
                            frame -> assertThat(frame.bytes().getBytes()).isEqualTo(bytes));
        }
    }
}
