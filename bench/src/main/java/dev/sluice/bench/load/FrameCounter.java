package dev.sluice.bench.load;

import dev.sluice.bench.load.Publication.Payload;
import dev.sluice.bench.load.Receiver.Counter;
import dev.sluice.bench.load.Receiver.Deliveries;
import io.netty.buffer.ByteBuf;

/**
 * Reads the WebSocket frames of one connection from reads of any size, without creating objects. It records each {@link Payload} with its time,
 * and counts pings. A header line may precede a payload. Other messages are ignored.
 *
 * <p>To be used by one thread.
 */
final class FrameCounter implements Counter {

    private enum Expecting {
        FLAGS,
        LENGTH,
        LONG_LENGTH,
        PAYLOAD
    }

    private static final int FIN = 0x80;
    private static final int OPCODE = 0x0f;
    private static final int CONTINUATION = 0;
    private static final int FIRST_CONTROL = 8;
    private static final int PING = 9;
    private static final int PONG = 10;
    private static final int LENGTH_OF_2_BYTES = 126;
    private static final int LENGTH_OF_8_BYTES = 127;

    private final Deliveries deliveries;

    /** The number of bytes before the payload in each message of Socket.IO; 0 in other protocols. */
    private final int lead;

    private Expecting expecting = Expecting.FLAGS;
    private boolean fin;
    private int opcode;
    private int lengthBytes;
    /** The number of missing payload bytes of the frame. */
    private long remaining;

    /** The offset of the next byte in its message, or after its header; it stops after the time. */
    private int offset;

    private boolean inHeader;
    private boolean marked;
    private long published;

    private long messages;
    private int pings;

    FrameCounter(Deliveries deliveries) {
        this(deliveries, 0);
    }

    private FrameCounter(Deliveries deliveries, int lead) {
        this.deliveries = deliveries;
        this.lead = lead;
    }

    /** For events {@code message} of Socket.IO; its pings are messages of one byte. */
    static FrameCounter ofSocketIo(Deliveries deliveries) {
        return new FrameCounter(deliveries, "42[\"message\",".length());
    }

    @Override
    public void read(ByteBuf in, long now) {
        while (in.isReadable()) {
            switch (expecting) {
                case FLAGS -> flags(in.readByte());
                case LENGTH -> length(in.readByte() & 0x7f, now);
                case LONG_LENGTH -> longLength(in.readByte() & 0xff, now);
                case PAYLOAD -> payload(in, now);
            }
        }
    }

    @Override
    public long messages() {
        return messages;
    }

    @Override
    public int takePings() {
        int taken = pings;
        pings = 0;
        return taken;
    }

    @Override
    public ByteBuf pong() {
        return lead > 0 ? Receiver.text("3") : Receiver.frame(FIN | PONG, "");
    }

    private void flags(int flags) {
        fin = (flags & FIN) != 0;
        opcode = flags & OPCODE;
        if (isData() && opcode != CONTINUATION) {
            offset = -lead;
            published = 0;
            inHeader = false;
            marked = false;
        }
        expecting = Expecting.LENGTH;
    }

    private void length(int length, long now) {
        remaining = 0;
        if (length == LENGTH_OF_2_BYTES || length == LENGTH_OF_8_BYTES) {
            lengthBytes = length == LENGTH_OF_2_BYTES ? 2 : 8;
            expecting = Expecting.LONG_LENGTH;
        } else {
            remaining = length;
            lengthKnown(now);
        }
    }

    private void longLength(int next, long now) {
        remaining = remaining << 8 | next;
        if (--lengthBytes == 0) {
            lengthKnown(now);
        }
    }

    private void lengthKnown(long now) {
        expecting = Expecting.PAYLOAD;
        pings += lead > 0 && remaining == 1 ? 1 : 0;
        if (remaining == 0) {
            end(now);
        }
    }

    private void payload(ByteBuf in, long now) {
        int length = (int) Math.min(remaining, in.readableBytes());
        if (isData()) {
            look(in, in.readerIndex(), in.readerIndex() + length);
        }
        in.skipBytes(length);
        remaining -= length;
        if (remaining == 0) {
            end(now);
        }
    }

    /** Reads the mark and the time from these bytes, as far as they are there. */
    private void look(ByteBuf in, int start, int end) {
        int at = start;
        while (at < end && offset < Payload.TIME_END) {
            if (offset < 0) {
                int skipped = Math.min(-offset, end - at);
                offset += skipped;
                at += skipped;
            } else if (inHeader) {
                int headerEnd = PayloadFinder.indexOf(in, at, end, (byte) '\n');
                if (headerEnd < 0) {
                    return;
                }
                at = headerEnd + 1;
                inHeader = false;
                offset = 0;
            } else {
                byte next = in.getByte(at++);
                if (offset >= Payload.TIME_OFFSET) {
                    published = published * 10 + next - '0';
                } else if (offset == Payload.MARK_OFFSET) {
                    marked = next == Payload.MARK;
                    inHeader = !marked;
                }
                offset++;
            }
        }
    }

    private void end(long now) {
        expecting = Expecting.FLAGS;
        if (opcode == PING) {
            pings++;
        } else if (isData() && fin && marked) {
            messages++;
            deliveries.received(published, now);
        }
    }

    private boolean isData() {
        return opcode < FIRST_CONTROL;
    }
}
