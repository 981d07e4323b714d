package dev.sluice.harness;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for conditions and durations. */
public final class Waiting {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration INTERVAL = Duration.ofMillis(20);

    /** Asks often as long as bench/start may wait for an executable, and seldom while a JVM needs the processor. */
    private static final Duration SHORT_WAIT = Duration.ofMillis(200);

    private static final Duration SHORT_INTERVAL = Duration.ofMillis(2);

    private Waiting() {}

    /** Returns when the condition holds; fails after a minute. */
    public static void until(String what, BooleanSupplier condition) {
        long begin = System.nanoTime();
        while (!condition.getAsBoolean()) {
            long waited = System.nanoTime() - begin;
            if (waited > PATIENCE.toNanos()) {
                throw new IllegalStateException(what + " is not ready after " + PATIENCE.toSeconds() + " s");
            }
            sleep(waited < SHORT_WAIT.toNanos() ? SHORT_INTERVAL : INTERVAL);
        }
    }

    public static void sleep(Duration time) {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted", e);
        }
    }
}
