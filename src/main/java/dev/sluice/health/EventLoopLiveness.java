package dev.sluice.health;

import dev.sluice.config.SluiceConfig;
import io.netty.util.concurrent.EventExecutor;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.health.api.AsyncHealthCheck;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/**
 * Reports the pod as alive while every event loop runs its tasks, because Sluice does all its work there. Does not
 * depend on Redis.
 */
@Liveness
@Singleton
final class EventLoopLiveness implements AsyncHealthCheck {

    /** The interval of the task that proves that a loop is running. */
    private static final long SIGN_MILLIS = 500;

    private final List<EventExecutor> loops = new ArrayList<>();
    private final List<AtomicLong> signs = new ArrayList<>();
    private final Duration maxBlock;
    private final LongSupplier nanoTime;

    // Deprecated because Vert.x 5 removes it; in Vert.x 4 it is the only public way to all event loops.
    @SuppressWarnings("deprecation")
    @Inject
    EventLoopLiveness(Vertx vertx, SluiceConfig config) {
        this(vertx.nettyEventLoopGroup(), config.liveness().maxBlock(), System::nanoTime);
    }

    EventLoopLiveness(Iterable<EventExecutor> loops, Duration maxBlock, LongSupplier nanoTime) {
        loops.forEach(this.loops::add);
        this.maxBlock = maxBlock;
        this.nanoTime = nanoTime;
    }

    void onStart(@Observes StartupEvent event) {
        start();
    }

    // The timers last as long as the loop.
    @SuppressWarnings("FutureReturnValueIgnored")
    void start() {
        for (EventExecutor loop : loops) {
            AtomicLong sign = new AtomicLong(nanoTime.getAsLong());
            signs.add(sign);
            loop.scheduleWithFixedDelay(
                    () -> sign.setRelease(nanoTime.getAsLong()), SIGN_MILLIS, SIGN_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    @Override
    public Uni<HealthCheckResponse> call() {
        return Uni.createFrom().item(this::response);
    }

    HealthCheckResponse response() {
        long now = nanoTime.getAsLong();
        long blocked = signs.stream()
                .filter(sign -> now - sign.getAcquire() > maxBlock.toNanos())
                .count();
        return HealthCheckResponse.named("Event loops")
                .status(blocked == 0)
                .withData("blocked", blocked)
                .build();
    }
}
