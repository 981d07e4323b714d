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
 * Alive while every event loop gets to its tasks: all that Sluice does is done there, and a loop that is stuck leaves its
 * clients without a word. Whether Redis is there is no question of life.
 */
@Liveness
@Singleton
final class EventLoopLiveness implements AsyncHealthCheck {

    /** How often each loop shows that it is alive. */
    private static final long SIGN_MILLIS = 500;

    private final List<EventExecutor> loops = new ArrayList<>();
    private final List<AtomicLong> signs = new ArrayList<>();
    private final Duration maxBlock;
    private final LongSupplier nanoTime;

    // Deprecated, as it is no part of Vert.x 5; until then it is the public way to all loops.
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

    // They go on for as long as the loop does.
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
