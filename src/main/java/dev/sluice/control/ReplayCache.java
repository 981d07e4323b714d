package dev.sluice.control;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;

/**
 * The nonces of signed messages for as long as the messages could be taken for new. None is forgotten early: where there
 * are too many, further ones are not accepted. Safe for use by several threads.
 */
final class ReplayCache {

    /** From one end of the window to the other, and a bit. */
    static final Duration KEPT = MessageSigner.WINDOW.multipliedBy(2).plusSeconds(5);

    /** What is known of a nonce. */
    enum Use {
        /** It has not been seen before. */
        NEW,
        /** It is ours, and has come back for the first time. */
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
        // Expiry alone takes any out; the bound is kept by not adding.
        this.known = Caffeine.newBuilder()
                .expireAfterWrite(KEPT)
                .ticker(ticker)
                .executor(Runnable::run)
                .build();
    }

    /** Remembers one that goes out from here. */
    void own(String nonce) {
        if (room()) {
            known.put(nonce, Use.OWN);
        }
    }

    /** What is known of the nonce; from now on it is used. */
    Use use(String nonce) {
        if (!room() && known.getIfPresent(nonce) == null) {
            return Use.TOO_MANY;
        }
        Use before = known.asMap().put(nonce, Use.USED);
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
