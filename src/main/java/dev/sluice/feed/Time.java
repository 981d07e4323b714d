package dev.sluice.feed;

import java.time.Duration;
import java.time.Instant;

/** Clocks and timers of the feed. */
interface Time {

    /** The time of day, which may be set back. */
    Instant now();

    /** {@link System#nanoTime()}. */
    long nanos();

    /** Runs the action once after the delay, on the feed's thread; returns a canceller. */
    Runnable after(Duration delay, Runnable action);
}
