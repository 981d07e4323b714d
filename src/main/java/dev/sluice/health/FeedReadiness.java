package dev.sluice.health;

import dev.sluice.feed.Feed;
import io.smallrye.health.api.AsyncHealthCheck;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * Ready while what is published on Redis reaches this pod: a deaf pod must not be given clients. Asynchronous, so that it
 * answers even while every worker thread is busy.
 */
@Readiness
@Singleton
final class FeedReadiness implements AsyncHealthCheck {

    private final Feed feed;

    FeedReadiness(Feed feed) {
        this.feed = feed;
    }

    @Override
    public Uni<HealthCheckResponse> call() {
        return Uni.createFrom()
                .item(() -> HealthCheckResponse.named("Redis subscription")
                        .status(feed.live())
                        .build());
    }
}
