package dev.sluice.control;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;

/**
 * Keeps the ids of signed messages as long as the messages could be accepted. Evicts none early: a full cache accepts
 * no further messages. Thread-safe.
 */
final class ReplayCache {

    /** The whole window plus some seconds. */
    static final Duration RETENTION = MessageSigner.WINDOW.multipliedBy(2).plusSeconds(5);

    /** The state of an id. */
    enum Use {
        /** The id is new. */
        NEW,
        /** This pod sent the message, and hears it for the first time. */
        OWN,
        /** The id was used before. */
        USED,
        /** The cache is full. */
        TOO_MANY
    }

    private final Cache<String, Use> known;
    private final int max;

    ReplayCache(int max, Ticker ticker) {
        this.max = max;
        // No maximum size, which would evict ids whose messages could still be accepted.
        this.known = Caffeine.newBuilder()
                .expireAfterWrite(RETENTION)
                .ticker(ticker)
                .executor(Runnable::run)
                .build();
    }

    /** Records the id of a message that this pod sends. */
    void own(String id) {
        if (room()) {
            known.put(id, Use.OWN);
        }
    }

    /** Returns the state of the id, and marks it as used. */
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
