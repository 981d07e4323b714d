package dev.sluice.session;

import java.util.concurrent.ThreadLocalRandom;

/** When a peer is to be asked for a sign of life, and whether it has left too many unanswered. Confined to one loop. */
final class KeepAlive {

    /** Signs of life a peer may leave unanswered, one after the other. */
    static final int MAX_UNANSWERED = 3;

    /** What is to be done now. */
    enum Due {
        NOTHING,
        BEAT,
        END
    }

    private boolean beating;
    private long next;
    private int unanswered;

    /** What is to be done; both in nanoseconds of {@link System#nanoTime}. */
    Due due(long now, long interval) {
        if (!beating) {
            // The first at any time, so that those who came together are not served together for ever.
            beating = true;
            next = now + ThreadLocalRandom.current().nextLong(interval);
        }
        if (now - next < 0) {
            return Due.NOTHING;
        }
        next = now + interval;
        return unanswered == MAX_UNANSWERED ? Due.END : Due.BEAT;
    }

    /** It has been asked. */
    void asked() {
        unanswered++;
    }

    /** It has given one, whatever it said. */
    void heard() {
        unanswered = 0;
    }
}
