package dev.sluice.harness;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for conditions and durations. */
public final class Waiting {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** Little beside the 50 ms in which an executable starts, which bench/start measures. */
    private static final Duration INTERVAL = Duration.ofMillis(2);

    private Waiting() {}

    /** Returns when the condition holds; fails after a minute. */
    public static void until(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(what + " is not ready after " + PATIENCE.toSeconds() + " s");
            }
            sleep(INTERVAL);
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
