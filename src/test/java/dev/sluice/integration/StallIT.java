package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A client that reads nothing for too long is closed; one that reads slowly is not. */
@Order(1)
@Tag("chaos")
@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#wiresOfOwnPods")
class StallIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final int MAX_BYTES = 1024 * 1024;
    /** More publications than any kernel can hold. */
    private static final int ENOUGH = 2_000;

    private static final Map<Map<String, String>, Pod> STALLING = new HashMap<>();

    private final PodVariant variant;

    StallIT(PodVariant variant) {
        this.variant = variant;
    }

    @AfterAll
    static void stop() {
        STALLING.values().forEach(Pod::close);
        STALLING.clear();
    }

    /** Whether the pod uses epoll. */
    static List<Boolean> epoll() {
        return Histories.firstOf(List.of(true, false));
    }

    @ParameterizedTest
    @MethodSource("epoll")
    void slowReaderGetsEverything(boolean epoll) {
        Pod own = stalling(epoll);
        awaitNobody(own);
        double ended = own.disconnects();
        try (RawClient slow = RawClient.narrow(own, "crowd");
                Client healthy = Client.of(own, "crowd")) {
            int published = 0;
            while (pending(own) < MAX_BYTES / 2) {
                assertThat(published).isLessThan(ENOUGH);
                publishToUser(healthy, numbered(++published, 200_000));
            }
            // One payload takes ten seconds, more than the allowed stall.
            slow.reads(4_000, Duration.ofMillis(200));
            assertThat(slow.next()).isEqualTo(numbered(1, 200_000));
            assertThat(pending(own)).as("still busy").isPositive();
            assertThat(own.disconnects()).isEqualTo(ended);
            slow.readsFast();
            for (int i = 2; i <= published; i++) {
                assertThat(slow.next()).isEqualTo(numbered(i, 200_000));
            }
            await().until(() -> pending(own) == 0);
            assertThat(own.disconnects()).isEqualTo(ended);
        }
    }

    @ParameterizedTest
    @MethodSource("epoll")
    void stalledClientIsClosed(boolean epoll) {
        Pod own = stalling(epoll);
        awaitNobody(own);
        double ended = own.disconnects();
        double stalled = own.disconnects("stalled");
        try (RawClient slow = RawClient.narrow(own, "crowd");
                Client healthy = Client.of(own, "crowd")) {
            for (int i = 0; pending(own) == 0; i++) {
                assertThat(i).isLessThan(ENOUGH);
                publishToUser(healthy, "x".repeat(20_000));
            }
            // Somewhat more, because a kernel may still buffer the last bytes.
            for (int i = 0; i < 10; i++) {
                publishToUser(healthy, "x".repeat(20_000));
            }
            own.awaitDisconnects("stalled", stalled + 1);
            await("gone").until(slow::isGone);
            await().until(() -> pending(own) == 0);
            own.awaitDisconnects(ended + 1);
            publishToUser(healthy, "still here");
        }
    }

    /** Starts a pod that closes clients that read nothing for eight seconds, longer than a busy machine pauses. */
    private Pod stalling(boolean epoll) {
        return STALLING.computeIfAbsent(
                variant.with(Map.of(
                        "sluice.outbox.max-stall",
                        "8s",
                        "quarkus.vertx.prefer-native-transport",
                        String.valueOf(epoll))),
                config -> Pod.ready(STAGE.redis(), config));
    }

    private static void awaitNobody(Pod pod) {
        pod.awaitMetric("sluice_connections{state=\"authenticated\"}", 0);
        pod.awaitMetric("sluice_outbox_pending_bytes", 0);
    }

    private static void publishToUser(Client healthy, String payload) {
        STAGE.redis().publish("user:crowd", payload);
        assertThat(healthy.next()).isEqualTo(payload);
    }

    private static String numbered(int number, int length) {
        return (number + " ").repeat(length / 2).substring(0, length);
    }

    private static double pending(Pod pod) {
        return pod.metric("sluice_outbox_pending_bytes");
    }
}
