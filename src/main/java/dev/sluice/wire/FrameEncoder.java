package dev.sluice.wire;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Encodes frames for the connections of one event loop. A run is encoded once for all of them: the connections of a loop
 * get it one after another, so it is enough to keep the last one. Confined to the event loop.
 */
final class FrameEncoder {

    private static final int FINAL_TEXT = 0x81;
    private static final int FINAL_BINARY = 0x82;
    private static final int PING = 0x89;
    private static final int PONG = 0x8A;
    private static final byte[] NOTHING = {};

    private @Nullable PublicationBatch lastRun;
    private @Nullable ByteBuf lastBytes;

    /** The bytes of the frame as a server sends it, unmasked; to be released by the caller. */
    ByteBuf encode(Frame frame, ByteBufAllocator allocator) {
        if (frame instanceof PublicationBatch batch) {
            return shared(batch, allocator).retainedDuplicate();
        }
        ByteBuf bytes = allocator.directBuffer(frame.length(), frame.length());
        if (frame instanceof Frame.Text text) {
            append(bytes, FINAL_TEXT, text.utf8());
        } else if (frame instanceof Frame.Pong pong) {
            append(bytes, PONG, pong.bytes());
        } else {
            append(bytes, PING, NOTHING);
        }
        return bytes;
    }

    private ByteBuf shared(PublicationBatch batch, ByteBufAllocator allocator) {
        ByteBuf shared = lastBytes;
        if (shared != null && batch == lastRun) {
            return shared;
        }
        // Before anything is allocated: that may fail, and what has been released must not be found again.
        lastRun = null;
        lastBytes = null;
        if (shared != null) {
            shared.release();
        }
        ByteBuf bytes = allocator.directBuffer(batch.length(), batch.length());
        for (int i = 0; i < batch.count(); i++) {
            Payload payload = batch.get(i);
            append(bytes, payload.text() ? FINAL_TEXT : FINAL_BINARY, payload.bytes());
        }
        lastRun = batch;
        lastBytes = bytes;
        return bytes;
    }

    private static void append(ByteBuf to, int opcode, byte[] payload) {
        to.writeByte(opcode);
        if (payload.length < 126) {
            to.writeByte(payload.length);
        } else if (payload.length < 65_536) {
            to.writeByte(126).writeShort(payload.length);
        } else {
            to.writeByte(127).writeLong(payload.length);
        }
        to.writeBytes(payload);
    }
}
