package dev.sluice.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.SluiceConfig.Readiness.Redis;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponse.Status;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FeedReadinessTest {

    private boolean live;
    private boolean awaitsClock;

    @Nullable
    private String feedReason;

    @Nullable
    private String streamReason;

    private FeedReadiness readiness(Redis condition) {
        return new FeedReadiness(() -> live, () -> awaitsClock, () -> feedReason, () -> streamReason, condition);
    }

    @ParameterizedTest
    @EnumSource
    void podIsNotReadyBeforeItHearsRedis(Redis condition) {
        FeedReadiness readiness = readiness(condition);
        assertIs(readiness, Status.DOWN, null);
        feedReason = "no connection";
        assertIs(readiness, Status.DOWN, "no connection");
        live = true;
        assertIs(readiness, Status.UP, null);
    }

    @Test
    void interruptionMakesAPodUnready() {
        FeedReadiness readiness = readiness(Redis.ALWAYS);
        live = true;
        assertIs(readiness, Status.UP, null);
        live = false;
        feedReason = "Redis is silent";
        assertIs(readiness, Status.DOWN, "Redis is silent");
        live = true;
        assertIs(readiness, Status.UP, null);
    }

    @Test
    void podThatWasReadyOnceStaysReadyIfConfigured() {
        FeedReadiness readiness = readiness(Redis.STARTUP);
        live = true;
        assertIs(readiness, Status.UP, null);
        live = false;
        feedReason = "Redis is silent";
        assertIs(readiness, Status.UP, "Redis is silent");
    }

    @ParameterizedTest
    @EnumSource
    void onlyANewPodWaitsForTheClock(Redis condition) {
        FeedReadiness readiness = readiness(condition);
        live = true;
        awaitsClock = true;
        assertIs(readiness, Status.DOWN, "it waits for the clock of the other pods");
        live = false;
        feedReason = "Redis is silent";
        assertIs(readiness, Status.DOWN, "Redis is silent");
        live = true;
        awaitsClock = false;
        assertIs(readiness, Status.UP, null);
        awaitsClock = true;
        assertIs(readiness, Status.UP, null);
    }

    @ParameterizedTest
    @EnumSource
    void podWithoutStreamsIsNotReady(Redis condition) {
        FeedReadiness readiness = readiness(condition);
        live = true;
        streamReason = "no events of keys";
        assertIs(readiness, Status.DOWN, "no events of keys");
        streamReason = null;
        assertIs(readiness, Status.UP, null);
    }

    private void assertIs(FeedReadiness readiness, Status status, @Nullable String reason) {
        HealthCheckResponse response = readiness.response();
        assertThat(response.getStatus()).isEqualTo(status);
        assertThat(response.getData().orElseThrow())
                .containsEntry("live", live)
                .satisfies(data -> assertThat(data.get("reason")).isEqualTo(reason));
    }
}
