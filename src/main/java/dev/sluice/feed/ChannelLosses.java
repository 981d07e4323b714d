package dev.sluice.feed;

import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Since when channels may have lost publications. Confined to the feed's thread unless stated otherwise. */
final class ChannelLosses {

    private final Consumer<ChannelLoss> onLoss;
    private final Consumer<ForgottenLoss> onForgotten;
    private final Consumer<Interruption> onInterruption;
    private final Time time;
    private final Map<String, Instant> open = new ConcurrentHashMap<>();

    /** When the loss began that was the only one then; {@code null} while there is none. */
    private @Nullable Instant interrupted;

    /**
     * Creates it without losses.
     *
     * @param onLoss told of the beginning and of the end of each
     * @param onForgotten told instead of the end if the channel has lost its last listener
     * @param onInterruption told when there is one, and when there is none any more
     */
    ChannelLosses(
            Consumer<ChannelLoss> onLoss,
            Consumer<ForgottenLoss> onForgotten,
            Consumer<Interruption> onInterruption,
            Time time) {
        this.onLoss = onLoss;
        this.onForgotten = onForgotten;
        this.onInterruption = onInterruption;
        this.time = time;
    }

    /** The channel may lose publications that were published after the instant. */
    void begin(String name, Instant since) {
        Instant before = open.get(name);
        if (before == null) {
            open.put(name, since);
            onLoss.accept(new ChannelLoss(name, since, null));
            if (interrupted == null) {
                interrupted = since;
                onInterruption.accept(new Interruption(since, null));
            }
        } else if (since.isBefore(before)) {
            open.put(name, since);
        }
    }

    /** The channel is heard again, if it was not. */
    void end(String name, Instant from) {
        Instant since = open.remove(name);
        if (since != null) {
            onLoss.accept(new ChannelLoss(name, since, from.isBefore(since) ? since : from));
            endInterruption();
        }
    }

    private void endInterruption() {
        Instant since = interrupted;
        if (since != null && open.isEmpty()) {
            interrupted = null;
            onInterruption.accept(new Interruption(since, notBefore(since)));
        }
    }

    private Instant notBefore(Instant since) {
        Instant now = time.now();
        return now.isBefore(since) ? since : now;
    }

    /** Returns since when, if a loss of the channel has begun and not ended. May be called by any thread. */
    @Nullable
    Instant since(String name) {
        return open.get(name);
    }

    /** The channel has no listeners any more, so that no end is told. */
    void forget(String name) {
        Instant since = open.remove(name);
        if (since != null) {
            onForgotten.accept(new ForgottenLoss(name, notBefore(since)));
            endInterruption();
        }
    }
}
