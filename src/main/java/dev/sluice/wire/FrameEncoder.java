package dev.sluice.wire;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.route.Channel;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Encodes frames for the connections of one event loop and one format. A run is encoded once for all of them: the
 * connections get it one after another, so only the last one is cached, or the last two if headers differ. Confined to
 * the event loop.
 */
final class FrameEncoder {

    private static final int FINAL_TEXT = 0x81;
    private static final int FINAL_BINARY = 0x82;
    private static final int PING = 0x89;
    private static final int PONG = 0x8A;
    private static final byte[] NOTHING = {};

    private final PublicationFormat format;
    private final Last complete = new Last();

    /** The last run whose headers differ because something older has yet to be sent. */
    private final Last late;

    /** The last encoded run. */
    private static final class Last {
        private @Nullable PublicationBatch run;
        private @Nullable ByteBuf bytes;
    }

    FrameEncoder(PublicationFormat format) {
        this.format = format;
        this.late = format.addsHeader() ? new Last() : complete;
    }

    /** Whether publications get headers. */
    boolean addsHeaders() {
        return format.addsHeader();
    }

    /**
     * The bytes of the frame as a server sends it, unmasked; to be released by the caller.
     *
     * @param upToDate whether everything before it has been sent
     */
    ByteBuf encode(Frame frame, boolean upToDate, ByteBufAllocator allocator) {
        if (frame instanceof PublicationBatch batch) {
            return shared(batch, upToDate, allocator).retainedDuplicate();
        }
        ByteBuf bytes = allocator.directBuffer(frame.length(), frame.length());
        if (frame instanceof Frame.Text text) {
            append(bytes, FINAL_TEXT, text.utf8());
        } else if (frame instanceof Frame.Missed missed) {
            append(bytes, FINAL_TEXT, format.missed(missed.channel(), missed.count()));
        } else if (frame instanceof Frame.Pong pong) {
            append(bytes, PONG, pong.bytes());
        } else if (frame instanceof ReplayBatch replay) {
            for (int i = 0; i < replay.count(); i++) {
                append(bytes, replay.channel(i), replay.get(i), false);
            }
        } else {
            append(bytes, PING, NOTHING);
        }
        return bytes;
    }

    private ByteBuf shared(PublicationBatch batch, boolean upToDate, ByteBufAllocator allocator) {
        Last last = upToDate ? complete : late;
        ByteBuf shared = last.bytes;
        if (shared != null && batch == last.run) {
            return shared;
        }
        // Done before the allocation, which may fail: released bytes must not be found again.
        last.run = null;
        last.bytes = null;
        if (shared != null) {
            shared.release();
        }
        int length = batch.length() + (format.addsHeader() ? batch.maxHeaders() : 0);
        ByteBuf bytes = allocator.directBuffer(length, length);
        for (int i = 0; i < batch.count(); i++) {
            append(bytes, batch.channel(), batch.get(i), upToDate);
        }
        last.run = batch;
        last.bytes = bytes;
        return bytes;
    }

    private void append(ByteBuf to, Channel channel, Payload payload, boolean upToDate) {
        append(to, payload.text() ? FINAL_TEXT : FINAL_BINARY, format.encode(channel, payload, upToDate));
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
