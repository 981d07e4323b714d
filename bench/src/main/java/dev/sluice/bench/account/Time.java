package dev.sluice.bench.account;

import java.time.Instant;
import java.util.concurrent.TimeUnit;

/** The clock of the machine, which the pods share: they say their gaps by it. */
public final class Time {

    private Time() {}

    /** Nanoseconds since 1970. */
    public static long now() {
        return of(Instant.now());
    }

    public static long of(Instant instant) {
        return TimeUnit.SECONDS.toNanos(instant.getEpochSecond()) + instant.getNano();
    }
}
