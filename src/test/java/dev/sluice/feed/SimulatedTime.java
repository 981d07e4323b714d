package dev.sluice.feed;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Time that passes when the test says so. */
final class SimulatedTime implements Time {

    private final List<Timer> timers = new ArrayList<>();
    private Instant now = Instant.EPOCH;

    private record Timer(Instant due, Runnable action) {}

    @Override
    public Instant now() {
        return now;
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

    /** Lets so much pass, and runs what becomes due meanwhile, in order. */
    void pass(Duration duration) {
        Instant end = now.plus(duration);
        for (Optional<Timer> next = next(end); next.isPresent(); next = next(end)) {
            timers.remove(next.get());
            now = next.get().due();
            next.get().action().run();
        }
        now = end;
    }

    /** Timers that are still to fire. */
    int timers() {
        return timers.size();
    }

    private Optional<Timer> next(Instant end) {
        return timers.stream().filter(timer -> !timer.due().isAfter(end)).min(Comparator.comparing(Timer::due));
    }
}
