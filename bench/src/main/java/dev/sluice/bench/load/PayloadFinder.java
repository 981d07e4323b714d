package dev.sluice.bench.load;

import dev.sluice.bench.load.Publication.Payload;
import dev.sluice.bench.load.Receiver.Counter;
import dev.sluice.bench.load.Receiver.Deliveries;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/**
 * Finds each {@link Payload} in the bytes of one connection: the first in each chunk of a stream of events, and else all of
 * them, however they are delimited. Counts the pings of Centrifugo's protocol, which are empty objects.
 */
final class PayloadFinder implements Counter {

    private static final byte[] START = Payload.START.getBytes(StandardCharsets.US_ASCII);
    private static final long ONES = 0x0101010101010101L;
    private static final long HIGH_BITS = ONES << 7;

    private final Deliveries deliveries;
    private final boolean chunked;

    /** The offset of the next byte in a payload, if this is one. */
    private int offset;

    /** Bytes until the end of the chunk, its line feed included. */
    private int remaining;

    private boolean found;
    private int size;
    private long published;
    private long messages;
    private int pings;

    PayloadFinder(Deliveries deliveries, boolean chunked) {
        this.deliveries = deliveries;
        this.chunked = chunked;
    }

    @Override
    public void read(ByteBuf in, long now) {
        while (in.isReadable()) {
            if (chunked && remaining == 0) {
                size(in.readByte());
            } else {
                int length = chunked ? Math.min(remaining, in.readableBytes()) : in.readableBytes();
                find(in, in.readerIndex(), in.readerIndex() + length, now);
                in.skipBytes(length);
                remaining -= length;
            }
        }
    }

    /** Takes a byte of the line before a chunk. */
    private void size(byte next) {
        if (next == '\n') {
            remaining = size + 2;
            size = 0;
            found = false;
        } else if (next != '\r') {
            size = size << 4 | Character.digit(next, 16);
        }
    }

    private void find(ByteBuf in, int start, int end, long now) {
        int at = start;
        while (at < end && !(chunked && found)) {
            if (offset == 0) {
                at = indexOf(in, at, end, START[0]);
                if (at < 0) {
                    return;
                }
            }
            byte next = in.getByte(at++);
            if (offset >= START.length) {
                published = published * 10 + next - '0';
                offset++;
            } else if (next == START[offset]) {
                published = 0;
                offset++;
            } else {
                pings += offset == 1 && next == '}' ? 1 : 0;
                offset = next == START[0] ? 1 : 0;
            }
            if (offset == Payload.TIME_END) {
                messages++;
                deliveries.received(published, now);
                offset = 0;
                found = true;
            }
        }
    }

    /** Does the same as {@link ByteBuf#indexOf}, which without Unsafe reads one byte at a time. */
    static int indexOf(ByteBuf in, int start, int end, byte value) {
        long pattern = (value & 0xff) * ONES;
        int at = start;
        for (; at <= end - Long.BYTES; at += Long.BYTES) {
            long different = in.getLongLE(at) ^ pattern;
            // The lowest bit that is set is in the first byte of that value.
            long matches = (different - ONES) & ~different & HIGH_BITS;
            if (matches != 0) {
                return at + Long.numberOfTrailingZeros(matches) / Byte.SIZE;
            }
        }
        for (; at < end; at++) {
            if (in.getByte(at) == value) {
                return at;
            }
        }
        return -1;
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
        return Receiver.text("{}");
    }
}
