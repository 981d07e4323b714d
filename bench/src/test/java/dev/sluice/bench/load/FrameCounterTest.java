package dev.sluice.bench.load;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.load.Publication.Payload;
import dev.sluice.bench.load.Receiver.Deliveries;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FrameCounterTest {

    private static final int TEXT = 0x1;
    private static final int CONTINUATION = 0x0;
    private static final int PING = 0x9;
    private static final int FIN = 0x80;

    /** So small that a histogram keeps it as it is. */
    private static final long LATENCY = 1_000;

    /** In nanoseconds; payloads say it in microseconds. */
    private static final long PUBLISHED = 7_000;

    private final Deliveries deliveries = new Deliveries();
    private final FrameCounter frames = new FrameCounter(deliveries);

    @ParameterizedTest
    @ValueSource(ints = {20, 60, 200, 4_096, 70_000})
    void countsPayloadsOfAnySizeInReadsOfAnySize(int bytes) {
        String payload = payload(bytes);
        for (int cut = 1; cut < 40; cut++) {
            FrameCounter each = new FrameCounter(deliveries);
            ByteBuf in = Unpooled.buffer();
            frame(in, FIN | TEXT, payload);
            frame(in, FIN | TEXT, payload);
            while (in.isReadable()) {
                each.read(in.readSlice(Math.min(cut, in.readableBytes())), PUBLISHED + LATENCY);
            }
            assertEquals(2, each.messages());
        }
        Histogram latencies = deliveries.takeLatencies();
        assertEquals(LATENCY, latencies.getMinValue());
        assertEquals(LATENCY, latencies.getMaxValue());
    }

    @Test
    void countsPayloadsAfterAHeaderInReadsOfAnySize() {
        String message = "{\"channel\":\"upload:7\",\"at\":\"a.1.b\"}\n" + payload(200);
        for (int cut = 1; cut < 80; cut++) {
            FrameCounter each = new FrameCounter(deliveries);
            ByteBuf in = Unpooled.buffer();
            frame(in, FIN | TEXT, message);
            frame(in, FIN | TEXT, "{\"action\":\"mark\",\"at\":\"a.1.b\"}");
            frame(in, FIN | TEXT, message);
            while (in.isReadable()) {
                each.read(in.readSlice(Math.min(cut, in.readableBytes())), PUBLISHED + LATENCY);
            }
            assertEquals(2, each.messages());
        }
        Histogram latencies = deliveries.takeLatencies();
        assertEquals(LATENCY, latencies.getMinValue());
        assertEquals(LATENCY, latencies.getMaxValue());
    }

    @Test
    void joinsFragmentsAroundAPing() {
        String payload = payload(200);
        ByteBuf in = Unpooled.buffer();
        frame(in, TEXT, payload.substring(0, 15));
        frame(in, FIN | PING, "");
        frame(in, FIN | CONTINUATION, payload.substring(15));
        frames.read(in, PUBLISHED + LATENCY);

        assertEquals(1, frames.messages());
        assertEquals(LATENCY, deliveries.takeLatencies().getMaxValue());
        assertEquals(1, frames.takePings());
        assertEquals(0, frames.takePings());
    }

    @Test
    void ignoresControlMessages() {
        ByteBuf in = Unpooled.buffer();
        frame(in, FIN | TEXT, "{\"action\":\"ping\"}");
        frame(in, FIN | TEXT, "");
        frame(in, FIN | TEXT, payload(200));
        frames.read(in, PUBLISHED + LATENCY);

        assertEquals(1, frames.messages());
        assertEquals(1, deliveries.count());
    }

    @Test
    void findsPayloadsInRepliesInReadsOfAnySize() {
        assertFindsTwo("{\"push\":{\"pub\":{\"data\":" + payload(200) + "}}}\n{{\"t\":{}" + payload(60), false, 1);
    }

    @Test
    void findsPayloadsInChunksInReadsOfAnySize() {
        String event = "id: a.1.b\ndata: " + payload(200) + "\n\n";
        String chunk = Integer.toHexString(event.length()) + "\r\n" + event + "\r\n";
        assertFindsTwo("3\r\n:\n\n\r\n" + chunk + "5\r\nid:\n\n\r\n" + chunk, true, 0);
    }

    private void assertFindsTwo(String bytes, boolean chunked, int pings) {
        for (int cut = 1; cut < 80; cut++) {
            PayloadFinder each = new PayloadFinder(deliveries, chunked);
            ByteBuf in = Unpooled.copiedBuffer(bytes, StandardCharsets.US_ASCII);
            while (in.isReadable()) {
                each.read(in.readSlice(Math.min(cut, in.readableBytes())), PUBLISHED + LATENCY);
            }
            assertEquals(2, each.messages());
            assertEquals(pings, each.takePings());
        }
        Histogram latencies = deliveries.takeLatencies();
        assertEquals(LATENCY, latencies.getMinValue());
        assertEquals(LATENCY, latencies.getMaxValue());
    }

    /** Published at {@link #PUBLISHED}. */
    private static String payload(int bytes) {
        String zeros = "0".repeat(Payload.TIME_DIGITS);
        return Payload.template(bytes).replace(zeros, zeros.substring(1) + "7");
    }

    private static void frame(ByteBuf out, int flags, String payload) {
        out.writeByte(flags);
        if (payload.length() < 126) {
            out.writeByte(payload.length());
        } else if (payload.length() < 65_536) {
            out.writeByte(126).writeShort(payload.length());
        } else {
            out.writeByte(127).writeLong(payload.length());
        }
        out.writeCharSequence(payload, StandardCharsets.US_ASCII);
    }
}
