package dev.sluice.guard;

import java.util.concurrent.ThreadLocalRandom;

/** The value of the Retry-After header of a temporary refusal, in seconds. */
public final class RetryAfter {

    private static final int MAX_SECONDS = 5;

    private RetryAfter() {}

    /** Returns a random value, so that clients that were refused together do not retry together. */
    public static String seconds() {
        return String.valueOf(ThreadLocalRandom.current().nextInt(1, MAX_SECONDS + 1));
    }
}
