package dev.sluice.bench.load;

import dev.sluice.bench.load.Publication.Payload;
import dev.sluice.bench.load.Receiver.ClientFrames;
import dev.sluice.bench.load.Receiver.Counter;
import dev.sluice.bench.load.Receiver.Deliveries;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/**
 * Finds each {@link Payload} in the bytes of one connection, however they are delimited, and counts the pings of
 * Centrifugo's protocol, which are empty objects.
 */
final class PayloadFinder implements Counter {

    private static final byte[] START = Payload.START.getBytes(StandardCharsets.US_ASCII);

    private final Deliveries deliveries;

    /** Where the next byte is in a payload, if this is one. */
    private int offset;

    private long published;
    private long messages;
    private int pings;

    PayloadFinder(Deliveries deliveries) {
        this.deliveries = deliveries;
    }

    @Override
    public void read(ByteBuf in, long now) {
        int at = in.readerIndex();
        int end = in.writerIndex();
        while (at < end) {
            if (offset == 0) {
                at = in.indexOf(at, end, START[0]);
                if (at < 0) {
                    break;
                }
            }
            byte next = in.getByte(at);
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
            }
            at++;
        }
        in.skipBytes(in.readableBytes());
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
        return ClientFrames.text("{}");
    }
}
