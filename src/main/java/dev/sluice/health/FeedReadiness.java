package dev.sluice.health;

import dev.sluice.config.SluiceConfig;
import dev.sluice.config.SluiceConfig.Readiness.Redis;
import dev.sluice.feed.Feed;
import dev.sluice.stream.StreamProbe;
import io.smallrye.health.api.AsyncHealthCheck;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/**
 * Reports the pod as ready while the feed is live, unless configured otherwise. A new pod of a fleet also waits for the
 * clock, without which clients of the replaced pod can't resume on it. Asynchronous, so that it works while all worker
 * threads are busy.
 */
@Readiness
@Singleton
final class FeedReadiness implements AsyncHealthCheck {

    private final Feed feed;
    private final StreamProbe streams;
    private final Redis condition;
    private volatile boolean settled;

    FeedReadiness(Feed feed, StreamProbe streams, SluiceConfig config) {
        this.feed = feed;
        this.streams = streams;
        this.condition = config.readiness().redis();
    }

    @Override
    public Uni<HealthCheckResponse> call() {
        return Uni.createFrom().item(() -> {
            boolean live = feed.live();
            // Only once: after a later reconnection to Redis, clients are already connected to this pod.
            settled |= live && !feed.awaitsClock();
            String deaf = streams.reason();
            HealthCheckResponseBuilder answer = HealthCheckResponse.named("Redis subscription")
                    .status(settled && deaf == null && (live || condition == Redis.STARTUP))
                    .withData("live", live);
            String reason = !live ? feed.reason() : settled ? deaf : "it waits for the clock of the other pods";
            return (reason == null ? answer : answer.withData("reason", reason)).build();
        });
    }
}
