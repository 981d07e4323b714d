package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.TcpProxy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests that pods on one Redis count from the same ticks, even after faults. */
@Tag("chaos")
class ClockIT {

    private static final Pattern ERA = Pattern.compile("positions in era (\\S+)");
    private static final Map<String, String> QUICK = Map.of(
            "sluice.clock.interval", "200ms",
            "sluice.canary.interval", "200ms",
            "sluice.canary.reconnect", "500ms");

    @ParameterizedTest
    @CsvSource({"resp3,false", "resp2,false", "resp3,true", "resp2,true"})
    void podsOnOneRedisShareAnEraUntilItIsRestarted(String protocol, boolean debian) {
        Map<String, String> config = with("quarkus.redis.preferred-protocol-version", protocol);
        if (debian) {
            Program.named("redis-check-rdb");
        }
        try (Redis redis = debian ? Redis.startDebian() : Redis.start();
                Pod one = Pod.ready(redis, config);
                Pod two = Pod.ready(redis, config)) {
            awaitSameEra(one, two);
            try (Redis.Admin admin = redis.admin()) {
                assertThat(admin.command("PUBSUB", "CHANNELS", "sluice:clock:*:*"))
                        .as("channels of one server")
                        .isEqualTo(protocol.equals("resp2") ? "*1" : "*0");
            }
            String before = era(one);
            awaitTicks(two, 5);
            redis.kill();
            redis.startAgain();
            await("another era").untilAsserted(() -> assertThat(era(one)).isNotEqualTo(before));
            awaitSameEra(one, two);
            awaitTicks(one, 5);
            assertThat(era(one)).isEqualTo(era(two));
        }
    }

    @Test
    void podAdoptsTheEraOfTheServerItMovesTo() {
        try (Redis old = Redis.start();
                Redis moved = Redis.start();
                TcpProxy address = new TcpProxy(old.port());
                Pod here = Pod.ready(old, with("quarkus.redis.hosts", address.redisUri()));
                Pod there = Pod.ready(moved, QUICK)) {
            await("eras").until(() -> !eras(here).isEmpty() && !eras(there).isEmpty());
            awaitTicks(here, 5);
            assertThat(eras(here)).doesNotContainAnyElementsOf(eras(there));
            address.leadTo(moved.port());
            await("subscribed there").atMost(30, TimeUnit.SECONDS).until(() -> old.patterns() == 0);
            awaitSameEra(here, there);
            assertThat(eras(there)).as("it stays in its own").hasSize(1);
        }
    }

    @Test
    void firstPodHasPositionsWhenReady() {
        try (Redis redis = Redis.start();
                Pod pod = Pod.ready(redis, Map.of("sluice.clock.interval", "10s"))) {
            assertThat(eras(pod)).hasSize(1);
        }
    }

    @Test
    void laterPodHasPositionsWhenReady() {
        try (Redis redis = Redis.start();
                Pod one = Pod.ready(redis, Map.of("sluice.clock.interval", "3s"));
                Pod two = Pod.ready(redis, Map.of("sluice.clock.interval", "3s"))) {
            assertThat(eras(two)).isEqualTo(eras(one)).hasSize(1);
        }
    }

    @Test
    void podIsReadyAlthoughOtherPodsDoNotTick() {
        try (Redis redis = Redis.start();
                Pod one = Pod.ready(redis, QUICK)) {
            one.process().freeze();
            try (Pod two = Pod.ready(redis, QUICK)) {
                await("era").until(() -> !eras(two).isEmpty());
                one.process().thaw();
                awaitSameEra(one, two);
            }
        }
    }

    @Test
    void onlyOnePodOfACalmFleetPublishesTicks() {
        try (Redis redis = Redis.start();
                Pod one = Pod.ready(redis, QUICK);
                Pod two = Pod.ready(redis, QUICK)) {
            awaitSameEra(one, two);
            double before = sent(one) + sent(two);
            double heard = heard(one);
            awaitTicks(one, 20);
            assertThat(sent(one) + sent(two) - before)
                    .as("ticks, few of them twice")
                    .isLessThan(1.5 * (heard(one) - heard + 2));
        }
    }

    private static void awaitSameEra(Pod one, Pod two) {
        await("one era").untilAsserted(() -> assertThat(era(one)).isNotNull().isEqualTo(era(two)));
    }

    private static void awaitTicks(Pod pod, int more) {
        double before = heard(pod);
        await("ticks").until(() -> heard(pod) >= before + more);
    }

    private static double heard(Pod pod) {
        return pod.metric("sluice_clock_ticks_total{outcome=\"heard\"}");
    }

    private static double sent(Pod pod) {
        return pod.metric("sluice_clock_ticks_total{outcome=\"sent\"}");
    }

    private static String era(Pod pod) {
        List<String> all = eras(pod);
        return all.isEmpty() ? null : all.get(all.size() - 1);
    }

    private static List<String> eras(Pod pod) {
        return ERA.matcher(pod.log()).results().map(MatchResult::group).toList();
    }

    private static Map<String, String> with(String key, String value) {
        Map<String, String> config = new HashMap<>(QUICK);
        config.put(key, value);
        return config;
    }
}
