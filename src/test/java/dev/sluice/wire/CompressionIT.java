package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.Deflater;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Where compression is on, what a message becomes is bounded as the message itself is. */
@Tag("chaos")
class CompressionIT {

    private static final int COMPRESSED = 0x40;
    private static final String EXTENSION = "Sec-WebSocket-Extensions: permessage-deflate";

    private static Pod pod;

    @BeforeAll
    static void start() {
        pod = Pod.ready(
                Stage.REDIS, Map.of("quarkus.websockets-next.server.per-message-compression-supported", "true"));
    }

    @AfterAll
    static void stop() {
        pod.close();
    }

    @Test
    void compressedMessageIsUnderstood() {
        assertThat(closeCode(deflated("{\"action\":\"pong\"}"))).isEqualTo(4002);
        String largest = "{\"more\":\"" + "x".repeat(32 * 1024 - 11) + "\"}";
        assertThat(closeCode(deflated(largest))).isEqualTo(4002);
    }

    @Test
    void messageThatBecomesTooLargeIsRefused() {
        assertThat(closeCode(deflated("x".repeat(32 * 1024 + 1)))).isEqualTo(1009);
        assertThat(closeCode(deflated("x".repeat(20_000_000)))).isEqualTo(1009);
    }

    @Test
    void whatIsNotCompressedAsItSaysIsRefused() {
        assertThat(closeCode(new byte[] {-1, -1, -1})).isEqualTo(1007);
    }

    private static int closeCode(byte[] payload) {
        try (RawClient client = RawClient.connect(pod, EXTENSION)) {
            client.frame(RawClient.FINAL | COMPRESSED | RawClient.TEXT, payload);
            return client.closeCode();
        }
    }

    private static byte[] deflated(String text) {
        Deflater deflater = new Deflater(Deflater.BEST_COMPRESSION, true);
        deflater.setInput(text.getBytes(StandardCharsets.UTF_8));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] some = new byte[8192];
        for (int length = -1; length != 0; ) {
            length = deflater.deflate(some, 0, some.length, Deflater.SYNC_FLUSH);
            out.write(some, 0, length);
        }
        deflater.end();
        // The end of a flush, which the receiver adds again.
        return Arrays.copyOf(out.toByteArray(), out.size() - 4);
    }
}
