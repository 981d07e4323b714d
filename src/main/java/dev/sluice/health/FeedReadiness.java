package dev.sluice.health;

import dev.sluice.feed.Feed;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Ready while what is published on Redis reaches this pod: a deaf pod must not be given clients. */
@Readiness
@Singleton
final class FeedReadiness implements HealthCheck {

    private final Feed feed;

    FeedReadiness(Feed feed) {
        this.feed = feed;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("Redis subscription")
                .status(feed.live())
                .build();
    }
}
