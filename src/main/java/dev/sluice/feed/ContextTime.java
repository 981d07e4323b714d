package dev.sluice.feed;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;

/** The system's clocks, with timers that fire on one Vert.x context. */
final class ContextTime implements Time {

    private final Vertx vertx;
    private final Context context;

    ContextTime(Vertx vertx, Context context) {
        this.vertx = vertx;
        this.context = context;
    }

    @Override
    public Instant now() {
        return Instant.now();
    }

    @Override
    public long nanos() {
        return System.nanoTime();
    }

    @Override
    public Runnable after(Duration delay, Runnable action) {
        // Vert.x refuses shorter ones.
        long id = vertx.setTimer(Math.max(1, delay.toMillis()), fired -> context.runOnContext(x -> action.run()));
        return () -> vertx.cancelTimer(id);
    }
}
