package dev.sluice.feed;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** A time that the test advances. */
final class SimulatedTime implements Time {

    private final List<Timer> timers = new ArrayList<>();
    private Instant now = Instant.EPOCH;
    private Duration setBack = Duration.ZERO;

    private record Timer(Instant due, Runnable action) {}

    @Override
    public Instant now() {
        return now.minus(setBack);
    }

    @Override
    public long nanos() {
        return Duration.between(Instant.EPOCH, now).toNanos();
    }

    @Override
    public Runnable after(Duration delay, Runnable action) {
        Timer timer = new Timer(now.plus(delay), action);
        timers.add(timer);
        return () -> timers.remove(timer);
    }

    /** Advances the time, and runs the timers that become due, in order. */
    void pass(Duration duration) {
        Instant end = now.plus(duration);
        for (Optional<Timer> next = next(end); next.isPresent(); next = next(end)) {
            timers.remove(next.get());
            now = next.get().due();
            next.get().action().run();
        }
        now = end;
    }

    /** Sets the time of day back. */
    void setBack(Duration duration) {
        setBack = setBack.plus(duration);
    }

    /** Returns the number of pending timers. */
    int timers() {
        return timers.size();
    }

    private Optional<Timer> next(Instant end) {
        return timers.stream().filter(timer -> !timer.due().isAfter(end)).min(Comparator.comparing(Timer::due));
    }
}
