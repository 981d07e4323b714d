package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Tokens;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** With compression, the limit of a message applies to its decompressed size. */
@ResourceLock("the pod with options")
class CompressionIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final int COMPRESSED = 0x40;
    private static final String OFFER = "Sec-WebSocket-Extensions: permessage-deflate";

    private final Pod pod = STAGE.pod(Stage.OPTIONS);

    @Test
    void compressedAuthMessageIsUnderstood() {
        try (RawClient client = RawClient.connect(pod, OFFER)) {
            send(client, "{\"type\":\"auth\",\"token\":\"" + Tokens.of("7") + "\"}");
            // The pod may compress the answer too.
            assertThat(client.read()).isNotEmpty();
            pod.awaitMetric("sluice_connections{state=\"authenticated\"}", 1);
        }
    }

    @Test
    void messageTooLargeAfterDecompressionIsRefused() {
        try (RawClient client = RawClient.connect(pod, OFFER)) {
            send(client, "{\"a\":\"" + "x".repeat(8_000_000) + "\"}");
            assertThat(client.closeCode()).isEqualTo(1009);
        }
    }

    @Test
    void invalidDeflateStreamIsRefused() {
        try (RawClient client = RawClient.connect(pod, OFFER)) {
            client.frame(RawClient.FINAL | COMPRESSED | RawClient.TEXT, new byte[] {7, 7, 7, 7});
            assertThat(client.closeCode()).isEqualTo(1007);
        }
    }

    private static void send(RawClient client, String text) {
        client.frame(RawClient.FINAL | COMPRESSED | RawClient.TEXT, deflated(text));
    }

    /** Compresses as in RFC 7692, 7.2.1: without the four bytes at the end of a flushed stream. */
    private static byte[] deflated(String text) {
        Deflater raw = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DeflaterOutputStream out = new DeflaterOutputStream(bytes, raw, 8192, true)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
            byte[] flushed = bytes.toByteArray();
            return Arrays.copyOf(flushed, flushed.length - 4);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            raw.end();
        }
    }
}
