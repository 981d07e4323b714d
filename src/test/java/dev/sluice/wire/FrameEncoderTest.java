package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.route.Channel;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrameEncoderTest {

    private static final Channel CHANNEL = TestOutboxFactory.channel("upload:1");

    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
    private final FrameEncoder encoder = new FrameEncoder(Dialect.V1, Framing.WEB_SOCKET);

    @ParameterizedTest
    @CsvSource({"0, 00", "1, 01", "125, 7d", "126, 7e007e", "65535, 7effff", "65536, 7f0000000000010000"})
    void writesTheHeaderThatFitsTheLength(int length, String header) {
        byte[] text = bytes(length, 'x');
        assertThat(encoded(run(text))).isEqualTo(message("81" + header, text));
        assertThat(encoded(new Frame.Text(text))).isEqualTo(message("81" + header, text));
        if (length > 0) {
            byte[] noText = bytes(length, 0xff);
            assertThat(encoded(run(noText))).isEqualTo(message("82" + header, noText));
        }
        if (length < 126) {
            assertThat(encoded(new Frame.Pong(text))).isEqualTo(message("8a" + header, text));
        }
    }

    @Test
    void headersOfBothKindsAreEncodedOnceEach() {
        FrameEncoder v2 = new FrameEncoder(Dialect.V2, Framing.WEB_SOCKET);
        PublicationBatch batch = shared(bytes(10, 'a'));
        ByteBuf at = v2.encode(batch, true, allocator);
        ByteBuf pos = v2.encode(batch, false, allocator);
        ByteBuf again = v2.encode(batch, true, allocator);
        assertThat(again.memoryAddress()).isEqualTo(at.memoryAddress());
        assertThat(pos.memoryAddress()).isNotEqualTo(at.memoryAddress());
        assertThat(at.readableBytes()).isLessThanOrEqualTo(batch.length() + batch.overhead(Dialect.V2));
        at.release();
        pos.release();
        again.release();
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "9, 9", "15, f", "16, 10", "255, ff", "256, 100", "4096, 1000", "65535, ffff", "1048576, 100000"
    })
    void writesTheLengthOfAChunk(int length, String size) {
        FrameEncoder stream = new FrameEncoder(Dialect.V1, Framing.CHUNK);
        byte[] text = bytes(length, 'x');
        ByteBuf bytes = stream.encode(new Frame.Text(text), true, allocator);
        assertThat(ByteBufUtil.getBytes(bytes))
                .asString(StandardCharsets.US_ASCII)
                .isEqualTo(size + "\r\n" + "x".repeat(length) + "\r\n");
        bytes.release();
    }

    @Test
    void emptyMessageIsNoChunkBecauseThatWouldEndTheResponse() {
        FrameEncoder stream = new FrameEncoder(Dialect.V1, Framing.CHUNK);
        ByteBuf bytes = stream.encode(new Frame.Text(new byte[0]), true, allocator);
        assertThat(bytes.isReadable()).isFalse();
        bytes.release();
    }

    @Test
    void eventsAreEncodedOnceForAllReceivers() {
        FrameEncoder stream = new FrameEncoder(Dialect.EVENTS, Framing.CHUNK);
        PublicationBatch batch = shared(bytes(3, 'a'), bytes(2, '\n'), bytes(1, 0xff));
        ByteBuf first = stream.encode(batch, true, allocator);
        ByteBuf second = stream.encode(batch, true, allocator);
        assertThat(second.memoryAddress()).isEqualTo(first.memoryAddress());
        assertThat(first.readableBytes()).isLessThanOrEqualTo(batch.length() + batch.overhead(Dialect.EVENTS));
        assertThat(ByteBufUtil.getBytes(first))
                .asString(StandardCharsets.US_ASCII)
                .isEqualTo(String.join(
                        "\r\n",
                        "b",
                        "data: aaa\n\n",
                        "16",
                        "data: \ndata: \ndata: \n\n",
                        "1a",
                        "event: binary\ndata: /w==\n\n",
                        ""));
        first.release();
        second.release();
    }

    @Test
    void pingIsEmpty() {
        assertThat(encoded(new Frame.Ping())).containsExactly(0x89, 0);
    }

    @Test
    void batchContainsItsMessagesInOrder() {
        PublicationBatch batch = run(bytes(3, 'a'), bytes(0, 'b'), bytes(200, 0xff), bytes(70_000, 'c'));
        assertThat(encoded(batch))
                .isEqualTo(concat(
                        message("8103", bytes(3, 'a')),
                        message("8100", bytes(0, 'b')),
                        message("827e00c8", bytes(200, 0xff)),
                        message("817f0000000000011170", bytes(70_000, 'c'))));
    }

    @Test
    void batchIsEncodedOnceForAllReceivers() {
        PublicationBatch batch = shared(bytes(1000, 'x'));
        ByteBuf first = encoder.encode(batch, true, allocator);
        long once = allocator.metric().usedDirectMemory();
        ByteBuf second = encoder.encode(batch, true, allocator);
        ByteBuf third = encoder.encode(batch, true, allocator);
        assertThat(allocator.metric().usedDirectMemory()).isEqualTo(once);
        assertThat(second.memoryAddress()).isEqualTo(first.memoryAddress());
        assertThat(first.refCnt()).as("three receivers and the encoder").isEqualTo(4);
        // Each receiver has its own reader index.
        first.skipBytes(500);
        assertThat(second.readableBytes()).isEqualTo(batch.length());
        first.release();
        second.release();
        assertThat(ByteBufUtil.getBytes(third)).isEqualTo(message("817e03e8", bytes(1000, 'x')));
        third.release();
        ByteBuf late = encoder.encode(batch, true, allocator);
        assertThat(late.refCnt()).as("still kept").isEqualTo(2);
        late.release();
    }

    @Test
    void batchForOneConnectionIsNotKept() {
        PublicationBatch batch = run(bytes(1000, 'x'), bytes(3, 'y'));
        ByteBuf bytes = encoder.encode(batch, true, allocator);
        assertThat(bytes.refCnt()).as("its receiver's").isEqualTo(1);
        assertThat(ByteBufUtil.getBytes(bytes))
                .isEqualTo(concat(message("817e03e8", bytes(1000, 'x')), message("8103", bytes(3, 'y'))));
        ByteBuf again = encoder.encode(batch, true, allocator);
        assertThat(again.memoryAddress()).isNotEqualTo(bytes.memoryAddress());
        bytes.release();
        assertThat(again.readableBytes()).isEqualTo(batch.length());
        again.release();
        assertThat(allocator.metric().usedDirectMemory()).isZero();
    }

    @Test
    void nextBatchReplacesTheCachedFrames() {
        ByteBuf former = encoder.encode(shared(bytes(1000, 'a')), true, allocator);
        PublicationBatch batch = shared(bytes(10, 'b'));
        ByteBuf latter = encoder.encode(batch, true, allocator);
        assertThat(former.refCnt()).as("its receiver's").isEqualTo(1);
        assertThat(former.readableBytes()).isEqualTo(1004);
        former.release();
        latter.release();
        assertThat(allocator.metric().usedDirectMemory()).isEqualTo(batch.length());
    }

    @Test
    void equalBatchIsEncodedAgain() {
        byte[] bytes = bytes(10, 'a');
        ByteBuf one = encoder.encode(shared(bytes), true, allocator);
        ByteBuf other = encoder.encode(shared(bytes), true, allocator);
        assertThat(other.memoryAddress()).isNotEqualTo(one.memoryAddress());
        one.release();
        other.release();
    }

    @Test
    void framesOfOneConnectionAreNotCached() {
        List<ByteBuf> all = new ArrayList<>();
        PublicationBatch batch = shared(bytes(100, 'x'));
        for (int i = 0; i < 100; i++) {
            all.add(encoder.encode(Frame.text("{}"), true, allocator));
            all.add(encoder.encode(new Frame.Ping(), true, allocator));
            all.add(encoder.encode(new Frame.Pong(bytes(5, 'p')), true, allocator));
            all.add(encoder.encode(batch, true, allocator));
        }
        all.forEach(ByteBuf::release);
        assertThat(allocator.metric().usedDirectMemory()).as("only the batch").isEqualTo(batch.length());
    }

    @Test
    void recoversFromOutOfMemory() {
        ScarceAllocator scarce = new ScarceAllocator();
        PublicationBatch former = shared(bytes(10, 'a'));
        encoder.encode(former, true, scarce).release();
        scarce.exhausted = true;
        PublicationBatch unlucky = shared(bytes(10, 'b'));
        assertThatThrownBy(() -> encoder.encode(unlucky, true, scarce)).isInstanceOf(OutOfMemoryError.class);
        scarce.exhausted = false;
        for (PublicationBatch batch : List.of(former, unlucky, former)) {
            ByteBuf bytes = encoder.encode(batch, true, scarce);
            assertThat(bytes.readableBytes()).isEqualTo(12);
            bytes.release();
        }
        assertThat(scarce.memory.metric().usedDirectMemory()).isEqualTo(12);
    }

    private byte[] encoded(Frame frame) {
        ByteBuf bytes = encoder.encode(frame, true, allocator);
        try {
            assertThat(bytes.readableBytes()).isEqualTo(frame.length());
            assertThat(bytes.capacity()).as("at most the charged bytes").isEqualTo(frame.length());
            return ByteBufUtil.getBytes(bytes);
        } finally {
            bytes.release();
        }
    }

    /** For three connections. */
    private static PublicationBatch shared(byte[]... payloads) {
        PublicationBatch batch = run(payloads);
        batch.sharedBy(3);
        return batch;
    }

    private static PublicationBatch run(byte[]... payloads) {
        PublicationBatch batch = new PublicationBatch(CHANNEL, Payload.of(1, null, payloads[0], 0));
        for (int i = 1; i < payloads.length; i++) {
            batch.add(Payload.of(i + 1, null, payloads[i], 0));
        }
        return batch;
    }

    private static byte[] message(String header, byte[] payload) {
        return concat(ByteBufUtil.decodeHexDump(header), payload);
    }

    private static byte[] concat(byte[]... parts) {
        ByteBuffer all = ByteBuffer.allocate(
                Arrays.stream(parts).mapToInt(part -> part.length).sum());
        for (byte[] part : parts) {
            all.put(part);
        }
        return all.array();
    }

    private static byte[] bytes(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
