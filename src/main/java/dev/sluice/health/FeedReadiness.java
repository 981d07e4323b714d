package dev.sluice.health;

import dev.sluice.config.SluiceConfig;
import dev.sluice.config.SluiceConfig.Readiness.Redis;
import dev.sluice.feed.Feed;
import dev.sluice.stream.StreamProbe;
import io.smallrye.health.api.AsyncHealthCheck;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;
import org.jspecify.annotations.Nullable;

/**
 * Reports the pod as ready while the feed is live, unless configured otherwise. A new pod of a fleet also waits for the
 * clock, without which clients of the replaced pod can't resume on it. Asynchronous, so that it works while all worker
 * threads are busy.
 */
@Readiness
@Singleton
final class FeedReadiness implements AsyncHealthCheck {

    private final BooleanSupplier feedLives;
    private final BooleanSupplier awaitsClock;
    private final Supplier<@Nullable String> feedReason;
    private final Supplier<@Nullable String> streamReason;
    private final Redis condition;
    private volatile boolean settled;

    @Inject
    FeedReadiness(Feed feed, StreamProbe streams, SluiceConfig config) {
        this(
                feed::live,
                feed::awaitsClock,
                feed::reason,
                streams::reason,
                config.readiness().redis());
    }

    /**
     * @param feedReason why the feed does not live
     * @param streamReason why clients of streams get nothing; {@code null} if they get everything
     */
    FeedReadiness(
            BooleanSupplier feedLives,
            BooleanSupplier awaitsClock,
            Supplier<@Nullable String> feedReason,
            Supplier<@Nullable String> streamReason,
            Redis condition) {
        this.feedLives = feedLives;
        this.awaitsClock = awaitsClock;
        this.feedReason = feedReason;
        this.streamReason = streamReason;
        this.condition = condition;
    }

    @Override
    public Uni<HealthCheckResponse> call() {
        return Uni.createFrom().item(this::response);
    }

    HealthCheckResponse response() {
        boolean live = feedLives.getAsBoolean();
        // Only once: after a later reconnection to Redis, clients are already connected to this pod.
        settled |= live && !awaitsClock.getAsBoolean();
        String deaf = streamReason.get();
        HealthCheckResponseBuilder answer = HealthCheckResponse.named("Redis subscription")
                .status(settled && deaf == null && (live || condition == Redis.STARTUP))
                .withData("live", live);
        String reason = !live ? feedReason.get() : settled ? deaf : "it waits for the clock of the other pods";
        return (reason == null ? answer : answer.withData("reason", reason)).build();
    }
}
