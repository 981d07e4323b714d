package dev.sluice.wire;

import dev.sluice.config.CommandFrameLimit;
import dev.sluice.config.SluiceConfig;
import dev.sluice.guard.AcceptLimiter;
import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds the memory of what clients have sent and the pod has not handled yet: frames that wait, the message that is
 * being handled, and frames of which only a part has arrived. There is a bound for each connection and one for the pod,
 * of which connections that have not authenticated share a half, so that they can't take the room of those that have.
 * The part of a frame that arrives in the same read as the end of another is not charged until more of it arrives.
 * {@link Inbound} records what its connection is charged. Thread-safe.
 */
@Startup
@Singleton
public final class InboundBudget {

    /** Bytes that a frame costs besides its payload: its object, its buffer, and the task that handles it. */
    static final int FRAME_BYTES = 256;

    /**
     * Bytes a connection may always be charged, regardless of the others: enough for an auth message of 8,000 bytes, and for
     * the subscriptions of a page.
     */
    static final int ALWAYS_ALLOWED = 16 * 1024;

    /**
     * How many of them may be charged for a message whose end has not arrived: an auth message of 8,000 bytes may arrive in
     * parts, which are charged once, not twice. No less than one read from the kernel brings.
     */
    static final int UNFINISHED_ALLOWED = AcceptLimiter.MAX_READ;

    private final int perConnection;
    private final long maxFrame;
    private final long maxCommandFrame;
    private final long perPod;
    private final AtomicLong pending = new AtomicLong();
    private final LimitMeter podFull;

    @Inject
    public InboundBudget(SluiceConfig config, MeterRegistry metrics) {
        this(
                config.limits().inboundBytesPerConnection().asLongValue(),
                config.limits().inboundBytes().asLongValue(),
                config.maxFrame().asLongValue(),
                CommandFrameLimit.of(config),
                metrics);
    }

    public InboundBudget(long perConnection, long perPod, long maxFrame, long maxCommandFrame, MeterRegistry metrics) {
        this.perConnection = (int) perConnection;
        this.maxFrame = maxFrame;
        this.maxCommandFrame = maxCommandFrame;
        this.perPod = perPod;
        this.podFull = new LimitMeter("inbound-bytes", metrics);
        Gauge.builder("sluice.inbound.pending.bytes", pending, AtomicLong::get)
                .description("Memory charged for data of clients that the pod has not handled yet")
                .baseUnit("bytes")
                .register(metrics);
    }

    /** Bytes charged for a frame with a payload of that many; text takes up to two bytes a character. */
    static int cost(int payload) {
        return FRAME_BYTES + 2 * payload;
    }

    /**
     * The maximum bytes of a message.
     *
     * @param manyCommands whether the client sends many commands in one frame
     */
    long maxMessage(boolean manyCommands) {
        return manyCommands ? maxCommandFrame : maxFrame;
    }

    /** Adds to the bytes that the pod is charged; may be negative. */
    void charge(int bytes) {
        pending.addAndGet(bytes);
    }

    /** Whether a connection with that charge has reached its limit. */
    boolean isFull(int frames) {
        return frames >= perConnection;
    }

    /**
     * Whether a connection has more waiting than can arrive after reading is stopped in time.
     *
     * @param maxMessage in bytes
     */
    boolean overflows(int frames, long maxMessage) {
        // Includes room for the frame and the read that are under way when reading stops.
        return frames >= perConnection + 4 * maxMessage + 64 * 1024;
    }

    /**
     * Whether the pod has no room for what a connection has waiting. Before authentication, unfinished messages get half of
     * the room only: only their senders can end them, so they must not take that of finished ones.
     *
     * @param frames what it is charged for its frames, in bytes
     * @param partial what it is charged for a frame of which a part has arrived, in bytes
     * @param fragments what the fragments of an unfinished message are charged, in bytes
     */
    boolean exceedsPod(int frames, int partial, int fragments, boolean authenticated) {
        long all = pending.get();
        return (frames + partial > ALWAYS_ALLOWED && all > (authenticated ? perPod : perPod / 2))
                || (!authenticated && fragments + partial > UNFINISHED_ALLOWED && all > perPod / 4);
    }

    /** Counts a connection that was closed because of this limit. */
    void refused() {
        podFull.exceeded();
    }
}
