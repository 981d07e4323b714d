package dev.sluice.session;

import dev.sluice.config.SluiceConfig;
import io.vertx.core.Vertx;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Reads the history for a client, repeatedly while the client's position is ahead of this pod, because the client came
 * from a faster pod. To be called on the connection's event loop.
 */
@Singleton
final class PositionWait {

    /** How often the history is read, in milliseconds. */
    private static final long RETRY_MILLIS = 20;

    /** The number of clock intervals that a client waits, after which pods notice that no pod ticks. */
    private static final int MAX_INTERVALS = 3;

    private final long maxNanos;
    private final Timer timer;
    private final LongSupplier nanoTime;

    private record Read<T>(Client client, Supplier<T> history, Predicate<T> isAhead, Consumer<T> answer) {}

    @Inject
    PositionWait(SluiceConfig config, Vertx vertx) {
        this(config.clock().interval(), Timer.of(vertx), System::nanoTime);
    }

    /** @param interval that of the clock */
    PositionWait(Duration interval, Timer timer, LongSupplier nanoTime) {
        this.maxNanos = MAX_INTERVALS * interval.toNanos();
        this.timer = timer;
        this.nanoTime = nanoTime;
    }

    /**
     * Reads the history until the client's position is not ahead any more, or the wait is over.
     *
     * @param isAhead whether a result of {@code history} is to be read again
     * @param answer gets the last result; never if the connection ends first
     */
    <T> void read(Client client, Supplier<T> history, Predicate<T> isAhead, Consumer<T> answer) {
        attempt(new Read<>(client, history, isAhead, answer), nanoTime.getAsLong() + maxNanos, false);
    }

    private <T> void attempt(Read<T> read, long deadline, boolean waited) {
        Client client = read.client();
        if (client.connection().ended() != null) {
            return;
        }
        T result = read.history().get();
        if (read.isAhead().test(result) && nanoTime.getAsLong() - deadline < 0) {
            if (!waited) {
                client.waits(true);
            }
            timer.after(
                    RETRY_MILLIS,
                    () -> client.connection().loop().execute(() -> client.inTurn(() -> attempt(read, deadline, true))));
            return;
        }
        read.answer().accept(result);
        if (waited) {
            client.waits(false);
        }
    }
}
