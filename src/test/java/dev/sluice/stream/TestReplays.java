package dev.sluice.stream;

import java.time.Duration;
import java.util.function.LongSupplier;

/** Makes replays for tests of other packages. */
public final class TestReplays {

    private TestReplays() {}

    /** Returns replays of streams that may be deleted at any time, so that an empty one proves nothing. */
    public static StreamReplay of(StreamReader reader) {
        return of(reader, Duration.ZERO, System::currentTimeMillis);
    }

    /** Returns replays of streams that last so long after their last entry. */
    public static StreamReplay of(StreamReader reader, Duration life, LongSupplier time) {
        return new StreamReplay(reader, life, time);
    }
}
