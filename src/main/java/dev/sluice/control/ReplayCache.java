package dev.sluice.control;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;

/**
 * Keeps the ids of signed messages for as long as the messages could be accepted. Evicts none early: a full cache accepts
 * no further ones. Safe for use by several threads.
 */
final class ReplayCache {

    /** From one end of the window to the other, and some seconds. */
    static final Duration KEPT = MessageSigner.WINDOW.multipliedBy(2).plusSeconds(5);

    /** What is known of an id. */
    enum Use {
        /** It has not been seen before. */
        NEW,
        /** This pod has sent it, and hears it for the first time. */
        OWN,
        /** It has been seen before. */
        USED,
        /** There is no room to remember it. */
        TOO_MANY
    }

    private final Cache<String, Use> known;
    private final int max;

    ReplayCache(int max, Ticker ticker) {
        this.max = max;
        // No maximum size: it would evict ids whose messages could still be accepted.
        this.known = Caffeine.newBuilder()
                .expireAfterWrite(KEPT)
                .ticker(ticker)
                .executor(Runnable::run)
                .build();
    }

    /** Remembers the id of a message that this pod sends. */
    void own(String id) {
        if (room()) {
            known.put(id, Use.OWN);
        }
    }

    /** What is known of the id, which is used from now on. */
    Use use(String id) {
        if (!room() && known.getIfPresent(id) == null) {
            return Use.TOO_MANY;
        }
        Use before = known.asMap().put(id, Use.USED);
        return before == null ? Use.NEW : before;
    }

    private boolean room() {
        if (known.estimatedSize() < max) {
            return true;
        }
        known.cleanUp();
        return known.estimatedSize() < max;
    }
}
