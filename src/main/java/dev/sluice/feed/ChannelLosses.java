package dev.sluice.feed;

import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Since when channels may have lost publications. Confined to the feed's thread unless stated otherwise. */
final class ChannelLosses {

    private final Consumer<ChannelLoss> onLoss;
    private final Map<String, Instant> open = new ConcurrentHashMap<>();

    /** @param onLoss told of the beginning and of the end of each */
    ChannelLosses(Consumer<ChannelLoss> onLoss) {
        this.onLoss = onLoss;
    }

    /** The channel may lose publications that were published after the instant. */
    void begin(String name, Instant since) {
        Instant before = open.get(name);
        if (before == null) {
            open.put(name, since);
            onLoss.accept(new ChannelLoss(name, since, null));
        } else if (since.isBefore(before)) {
            open.put(name, since);
        }
    }

    /** The channel is heard again, if it was not. */
    void end(String name, Instant from) {
        Instant since = open.remove(name);
        if (since != null) {
            onLoss.accept(new ChannelLoss(name, since, from.isBefore(since) ? since : from));
        }
    }

    /** Returns since when, if a loss of the channel has begun and not ended. May be called by any thread. */
    @Nullable
    Instant since(String name) {
        return open.get(name);
    }

    /** The channel has no listeners any more, so that nothing is told. */
    void forget(String name) {
        open.remove(name);
    }
}
