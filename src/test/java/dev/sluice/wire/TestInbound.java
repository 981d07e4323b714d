package dev.sluice.wire;

import dev.sluice.guard.ConnectionSlots;
import dev.sluice.guard.TurnScheduler;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * The connections of one pod. Each is an embedded channel with a WebSocketChannel, whose output the test reads from the
 * channel.
 */
public final class TestInbound {

    static final int PER_CONNECTION = 64 * 1024;
    static final int PER_POD = 1024 * 1024;
    public static final int MAX_FRAME = 32 * 1024;
    static final int MAX_BATCH = 64 * 1024;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final Queue<Runnable> afterTurn = new ArrayDeque<>();
    private final TurnScheduler scheduler = new TurnScheduler(afterTurn::add);
    private final ConnectionSlots slots = new ConnectionSlots(9, 1, 9, metrics);
    private final InboundBudget budget;
    private final FrameRate rate;

    public TestInbound() {
        this(512);
    }

    /** Creates connections that may send this burst of frames, and nearly none later. */
    public TestInbound(int burst) {
        this(burst, PER_CONNECTION, PER_POD);
    }

    /** The same with these bounds of inbound bytes. */
    public TestInbound(int burst, int perConnection, int perPod) {
        budget = new InboundBudget(perConnection, perPod, MAX_FRAME, MAX_BATCH, metrics);
        rate = new FrameRate(1, burst, () -> 0, metrics);
    }

    /** One of the connections. */
    // Embedded channels close immediately.
    @SuppressWarnings("FutureReturnValueIgnored")
    public final class TestSocket {
        public final EmbeddedChannel channel = new EmbeddedChannel();
        public final Inbound inbound = new Inbound(channel, rate, budget, scheduler);

        public final WebSocketChannel guard = new WebSocketChannel(channel, slots, inbound);

        public TestSocket() {
            channel.pipeline()
                    .addLast(PartialFrameCounter.SHARED)
                    .addLast(guard)
                    .addLast(Inbound.NAME, inbound);
        }

        public void send(String... texts) {
            for (String text : texts) {
                channel.writeInbound(new TextWebSocketFrame(text));
            }
        }

        /** Returns the texts passed on since the last call. */
        public List<String> passedOn() {
            List<String> texts = new ArrayList<>();
            for (WebSocketFrame frame = channel.readInbound(); frame != null; frame = channel.readInbound()) {
                texts.add(
                        frame instanceof TextWebSocketFrame text
                                ? text.text()
                                : frame.getClass().getSimpleName());
                frame.release();
            }
            return texts;
        }

        /** Reports the last message as handled. */
        public void handled() {
            inbound.handled();
        }

        public void runTasks() {
            channel.runPendingTasks();
        }

        public void close() {
            channel.close();
        }

        boolean isRead() {
            return channel.config().isAutoRead();
        }
    }

    /** Runs this number of event loop iterations. */
    void turn(int times) {
        for (int i = 0; i < times; i++) {
            for (int tasks = afterTurn.size(); tasks > 0; tasks--) {
                afterTurn.remove().run();
            }
        }
    }

    double pending() {
        return metrics.get("sluice.inbound.pending.bytes").gauge().value();
    }

    double refused(String limit) {
        return metrics.get("sluice.refused").tag("limit", limit).counter().count();
    }
}
