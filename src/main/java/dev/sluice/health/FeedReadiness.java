package dev.sluice.health;

import dev.sluice.config.SluiceConfig;
import dev.sluice.config.SluiceConfig.Readiness.Redis;
import dev.sluice.feed.Feed;
import dev.sluice.feed.Gap;
import io.smallrye.health.api.AsyncHealthCheck;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/**
 * Ready while what is published on Redis reaches this pod: a deaf pod must not be given clients, unless it is wanted so.
 * Asynchronous, so that it answers even while every worker thread is busy.
 */
@Readiness
@Singleton
final class FeedReadiness implements AsyncHealthCheck {

    private final Feed feed;
    private final Redis condition;
    private volatile boolean heardOnce;

    FeedReadiness(Feed feed, SluiceConfig config) {
        this.feed = feed;
        this.condition = config.readiness().redis();
    }

    void onGap(@Observes Gap gap) {
        if (!gap.open()) {
            heardOnce = true;
        }
    }

    @Override
    public Uni<HealthCheckResponse> call() {
        return Uni.createFrom().item(() -> {
            boolean live = feed.live();
            HealthCheckResponseBuilder answer = HealthCheckResponse.named("Redis subscription")
                    .status(live || (condition == Redis.STARTUP && heardOnce))
                    .withData("live", live);
            String reason = feed.reason();
            return (reason == null ? answer : answer.withData("reason", reason)).build();
        });
    }
}
