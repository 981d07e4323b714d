package dev.sluice.wire;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.route.Channel;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.io.ByteArrayOutputStream;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Encodes frames for the connections of one event loop and one format. A batch for several connections is encoded once
 * for all of them: they get it one after another, so only the last one is cached, or the last two if headers differ.
 * Confined to the event loop.
 */
final class FrameEncoder {

    private static final byte[] NOTHING = {};

    private final PublicationFormat format;
    private final Framing framing;
    private final Last complete = new Last();

    /** The last batch whose headers differ because something older has yet to be sent. */
    private final Last late;

    /** The last encoded batch. */
    private static final class Last {
        private @Nullable PublicationBatch batch;
        private @Nullable ByteBuf bytes;
    }

    FrameEncoder(PublicationFormat format, Framing framing) {
        this.format = format;
        this.framing = framing;
        this.late = format.addsHeader() ? new Last() : complete;
    }

    /** See {@link FrameWriter#headers}. */
    @Nullable
    PublicationFormat headers() {
        return format.addsHeader() ? format : null;
    }

    /**
     * The bytes of the frame as a server sends it; to be released by the caller.
     *
     * @param upToDate whether everything before it has been sent
     */
    ByteBuf encode(Frame frame, boolean upToDate, ByteBufAllocator allocator) {
        if (frame instanceof PublicationBatch batch) {
            // Not from Netty's pool of duplicates, which costs more than a new object.
            return batch.receivers() > 1
                    ? shared(batch, upToDate, allocator).duplicate().retain()
                    : encode(batch, upToDate, allocator);
        }
        int length = frame.length() + 2 * framing.extra();
        ByteBuf bytes = allocator.directBuffer(length, length);
        if (frame instanceof Frame.Text text) {
            framing.append(bytes, Framing.TEXT, text.utf8());
        } else if (frame instanceof Frame.Mark mark) {
            framing.append(bytes, Framing.TEXT, mark.message());
            framing.append(bytes, Framing.TEXT, mark.position());
        } else if (frame instanceof Frame.Missed missed) {
            framing.append(bytes, Framing.TEXT, format.missed(missed.channel(), missed.count()));
        } else if (frame instanceof Frame.Pong pong) {
            framing.append(bytes, Framing.PONG, pong.bytes());
        } else if (frame instanceof ReplayBatch replay) {
            if (format.joins()) {
                appendJoined(bytes, replay.count(), i -> format.encode(replay.channel(i), replay.get(i), false));
            } else {
                for (int i = 0; i < replay.count(); i++) {
                    append(bytes, replay.channel(i), replay.get(i), false);
                }
            }
        } else if (frame instanceof Frame.Ping) {
            framing.append(bytes, Framing.PING, NOTHING);
        }
        return bytes;
    }

    private ByteBuf shared(PublicationBatch batch, boolean upToDate, ByteBufAllocator allocator) {
        Last last = upToDate ? complete : late;
        ByteBuf shared = last.bytes;
        if (shared != null && batch == last.batch) {
            return shared;
        }
        // Done before the allocation, which may fail: released bytes must not be found again.
        last.batch = null;
        last.bytes = null;
        if (shared != null) {
            shared.release();
        }
        ByteBuf bytes = encode(batch, upToDate, allocator);
        last.batch = batch;
        last.bytes = bytes;
        return bytes;
    }

    private ByteBuf encode(PublicationBatch batch, boolean upToDate, ByteBufAllocator allocator) {
        int length = batch.length() + (format.addsHeader() ? batch.overhead(format) : 0);
        ByteBuf bytes = allocator.directBuffer(length, length);
        if (format.joins()) {
            appendJoined(bytes, batch.count(), i -> format.encode(batch.channel(), batch.get(i), upToDate));
        } else {
            for (int i = 0; i < batch.count(); i++) {
                append(bytes, batch.channel(), batch.get(i), upToDate);
            }
        }
        return bytes;
    }

    private void append(ByteBuf to, Channel channel, Payload payload, boolean upToDate) {
        byte[] message = format.encode(channel, payload, upToDate);
        if (message != null) {
            framing.append(to, payload.text() ? Framing.TEXT : Framing.BINARY, message);
        }
    }

    private void appendJoined(ByteBuf to, int count, IntFunction<byte @Nullable []> messages) {
        ByteArrayOutputStream lines = new ByteArrayOutputStream(to.capacity());
        for (int i = 0; i < count; i++) {
            byte[] message = messages.apply(i);
            if (message != null) {
                if (lines.size() > 0) {
                    lines.write('\n');
                }
                lines.writeBytes(message);
            }
        }
        if (lines.size() > 0) {
            framing.append(to, Framing.TEXT, lines.toByteArray());
        }
    }
}
