package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.RespProxy;
import java.util.HashMap;
import java.util.Map;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The pod of a fleet that loses publications detects this, and reports a gap to its clients. */
@Order(1)
@Tag("chaos")
@Tag("long")
class DivergenceIT {

    /** Seconds. Each pod must be able to vote within half of it. */
    private static final int INTERVAL = 5;

    /**
     * A pod whose vote the machine delays beyond the next tick looks like one that heard something else. A test that fails
     * after this begins again, with new pods.
     */
    private static final int ATTEMPTS = 3;

    private static final String DIVERGENCES = "sluice_clock_divergences_total";
    private static final String GAPS = "sluice_feed_gaps_total";
    private static final Map<String, String> CONFIG =
            Map.of("sluice.clock.interval", INTERVAL + "s", "sluice.gap.spread", "0s");

    /** Less than make a pod lose its clock until it subscribes again. */
    private static final int DAMAGES_PER_SUBSCRIPTION = 2;

    private static Redis redis;
    private static RespProxy network;

    /** Two pods that hear everything. */
    private static Pod one;

    private static Pod two;

    /** A pod behind the network that is damaged. */
    private static Pod damaged;

    /** The damages since it subscribed. */
    private static int damages;

    @BeforeAll
    static void start() {
        redis = Redis.start();
        network = new RespProxy(redis.port());
        one = Pod.ready(redis, CONFIG);
        two = Pod.ready(redis, CONFIG);
        damaged = Pod.ready(redis, behind(network));
        damages = 0;
    }

    @AfterAll
    static void stop() {
        damaged.close();
        two.close();
        one.close();
        network.close();
        redis.close();
    }

    private static void attempt(Runnable test) {
        for (int attempt = 1; ; attempt++) {
            try {
                test.run();
                return;
            } catch (AssertionError | ConditionTimeoutException e) {
                if (attempt == ATTEMPTS || one.metric(DIVERGENCES) + two.metric(DIVERGENCES) == 0) {
                    throw e;
                }
                stop();
                start();
            }
        }
    }

    /** Lets the damaged pod subscribe again, which makes it forget earlier damages. */
    private static void subscribeAgain() {
        double gaps = damaged.metric(GAPS);
        network.cut();
        damaged.awaitMetric(GAPS, gaps + 1);
        damaged.awaitMetric("sluice_feed_live", 1);
        damages = 0;
    }

    @ParameterizedTest
    @EnumSource(RespProxy.Damage.class)
    void onlyTheDifferingPodReportsAGap(RespProxy.Damage damage) {
        attempt(() -> assertOnlyTheDifferingPodReportsAGap(damage));
    }

    private static void assertOnlyTheDifferingPodReportsAGap(RespProxy.Damage damage) {
        if (damages == DAMAGES_PER_SUBSCRIPTION) {
            subscribeAgain();
        }
        damages++;
        double divergences = damaged.metric(DIVERGENCES);
        double gaps = damaged.metric(GAPS);
        try (Client client = Client.of(damaged, "7");
                Client other = Client.of(one, "7")) {
            awaitTicks(damaged, 2);
            network.damageNext(damage);
            redis.publish("user:8", "damaged");
            redis.publish("user:9", "and another one");
            await("gap").until(client::hasHeardOfGap);
            assertThat(client.nextGap()).as("closed at once").doesNotContain("\"until\":null");
            assertThat(damaged.metrics(DIVERGENCES, GAPS)).containsExactly(divergences + 1, gaps + 1);
            for (Pod pod : new Pod[] {one, two}) {
                assertThat(pod.metrics(DIVERGENCES, GAPS)).containsExactly(0.0, 0.0);
            }
            redis.publish("user:7", "after");
            assertThat(client.next()).isEqualTo("after");
            assertThat(other.next()).isEqualTo("after");
            assertThat(other.hasHeardOfGap()).isFalse();
            awaitTicks(damaged, 2);
            assertThat(damaged.metric(DIVERGENCES)).isEqualTo(divergences + 1);
        }
    }

    @Test
    void repeatedlyDifferingPodLosesItsClock() {
        attempt(DivergenceIT::assertRepeatedlyDifferingPodLosesItsClock);
    }

    private static void assertRepeatedlyDifferingPodLosesItsClock() {
        if (damages > 0) {
            subscribeAgain();
        }
        double divergences = damaged.metric(DIVERGENCES);
        for (int i = 1; i <= 3; i++) {
            awaitTicks(damaged, 5);
            network.damageNext(RespProxy.Damage.DROPPED);
            redis.publish("user:8", "dropped");
            damaged.awaitMetric(DIVERGENCES, divergences + i);
        }
        damaged.awaitLog("Publications have no positions until this pod subscribes again");
        assertThat(one.metric(DIVERGENCES) + two.metric(DIVERGENCES)).isZero();
        damages = DAMAGES_PER_SUBSCRIPTION;
    }

    private static void awaitTicks(Pod pod, int more) {
        String heard = "sluice_clock_ticks_total{outcome=\"heard\"}";
        double before = pod.metric(heard);
        await("ticks").until(() -> pod.metric(heard) >= before + more);
    }

    private static Map<String, String> behind(RespProxy network) {
        Map<String, String> config = new HashMap<>(CONFIG);
        config.put("quarkus.redis.hosts", network.redisUri());
        return config;
    }
}
