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

/** Connections of one pod, each a channel whose frames go through a WebSocketChannel; what it passes on is read from the channel. */
public final class TestInbound {

    static final int PER_CONNECTION = 64 * 1024;
    static final int PER_POD = 1024 * 1024;
    static final int MAX_FRAME = 32 * 1024;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final Queue<Runnable> afterTurn = new ArrayDeque<>();
    private final TurnScheduler scheduler = new TurnScheduler(afterTurn::add);
    private final ConnectionSlots slots = new ConnectionSlots(9, 1, 9, metrics);
    private final InboundBudget budget;
    private final FrameRate rate;

    public TestInbound() {
        this(512);
    }

    /** With so many frames at once and next to none later. */
    public TestInbound(int burst) {
        this(burst, PER_CONNECTION, PER_POD);
    }

    /** The same with bounds of its own. */
    public TestInbound(int burst, int perConnection, int perPod) {
        budget = new InboundBudget(perConnection, perPod, MAX_FRAME, metrics);
        rate = new FrameRate(1, burst, () -> 0, metrics);
    }

    /** One of the connections. */
    // An embedded channel is closed at once.
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

        /** The texts that have been passed on since this was asked last. */
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

        /** The message that was passed on last has been handled. */
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

    /** The event loop takes so many turns. */
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
