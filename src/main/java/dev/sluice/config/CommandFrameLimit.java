package dev.sluice.config;

/**
 * The largest frame of clients that subscribe to all their channels in one frame when they reconnect. It follows from other
 * limits, because the SDK for JavaScript gives up after a frame that is too large.
 */
public final class CommandFrameLimit {

    /** Enough for a subscription with a position, and a name of over a hundred characters. */
    private static final long SUBSCRIPTION = 256;

    /** Enough for a token. */
    private static final long REST = 8 * 1024;

    /** A frame may have no more commands. */
    private static final int MAX_COMMANDS = 1024;

    private CommandFrameLimit() {}

    /** In bytes; at least {@code sluice.max-frame}, otherwise so small that it fits into half of {@code sluice.limits.inbound-bytes}. */
    public static long of(SluiceConfig config) {
        long frame = REST + SUBSCRIPTION * Math.min(config.limits().subscriptionsPerUser(), MAX_COMMANDS);
        // See ConsistentSettings.
        long held = (config.limits().inboundBytes().asLongValue() - 512) / 4;
        return Math.max(config.maxFrame().asLongValue(), Math.min(frame, held));
    }
}
