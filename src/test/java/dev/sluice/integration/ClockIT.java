package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.TcpProxy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests that pods on one Redis count from the same ticks, even after faults. */
@Order(2)
@ResourceLock("both cores")
@Tag("chaos")
@Tag("long")
class ClockIT {

    private static final Pattern ERA = Pattern.compile("positions in era (\\S+)");
    private static final Map<String, String> QUICK = Map.of(
            "sluice.clock.interval", "200ms",
            "sluice.canary.interval", "200ms",
            // A slow machine must not cause a gap.
            "sluice.canary.missed-beats", "15",
            "sluice.canary.reconnect", "500ms");

    private static final Map<String, Fleet> FLEETS = new HashMap<>();

    /** Two pods with quick clocks on a Redis of their own, for tests after which they agree again. */
    private record Fleet(Redis redis, Pod one, Pod two) implements AutoCloseable {

        static Fleet of(String protocol) {
            return FLEETS.computeIfAbsent(protocol, x -> {
                Map<String, String> config = with("quarkus.redis.preferred-protocol-version", protocol);
                Redis redis = Redis.start();
                return new Fleet(redis, Pod.ready(redis, config), Pod.ready(redis, config));
            });
        }

        @Override
        public void close() {
            one.close();
            two.close();
            redis.close();
        }
    }

    @AfterAll
    static void stop() {
        FLEETS.values().forEach(Fleet::close);
        FLEETS.clear();
    }

    /** Returns protocols, and whether the server is Debian's, which comes last on each fleet. */
    static List<Arguments> servers() {
        return Histories.firstOf(List.of(
                arguments("resp3", false),
                arguments("resp2", false),
                arguments("resp3", true),
                arguments("resp2", true)));
    }

    @ParameterizedTest
    @MethodSource("servers")
    void podsOnOneRedisShareAnEraUntilItIsRestarted(String protocol, boolean debian) {
        if (debian) {
            Program.named("redis-check-rdb");
        }
        Fleet fleet = Fleet.of(protocol);
        if (debian) {
            awaitAnotherEra(fleet, fleet.redis::startAgainAsDebian);
        }
        awaitSameEra(fleet.one, fleet.two);
        try (Redis.Admin admin = fleet.redis.admin()) {
            await("channels of one server")
                    .untilAsserted(() -> assertThat(admin.command("PUBSUB", "CHANNELS", "sluice:clock:*:*"))
                            .isEqualTo(protocol.equals("resp2") ? "*1" : "*0"));
        }
        awaitTicks(fleet.two, 5);
        awaitAnotherEra(fleet, fleet.redis::startAgain);
        awaitTicks(fleet.one, 5);
        awaitSameEra(fleet.one, fleet.two);
    }

    private static void awaitAnotherEra(Fleet fleet, Runnable start) {
        String before = era(fleet.one);
        fleet.redis.kill();
        start.run();
        await("another era").untilAsserted(() -> assertThat(era(fleet.one)).isNotEqualTo(before));
        awaitSameEra(fleet.one, fleet.two);
    }

    @Test
    void podAdoptsTheEraOfTheServerItMovesTo() {
        Fleet fleet = Fleet.of("resp3");
        Pod there = fleet.one;
        try (Redis old = Redis.start();
                TcpProxy address = new TcpProxy(old.port());
                Pod here = Pod.ready(old, with("quarkus.redis.hosts", address.redisUri()))) {
            await("eras").until(() -> !eras(here).isEmpty() && !eras(there).isEmpty());
            List<String> before = eras(there);
            awaitTicks(here, 5);
            assertThat(eras(here)).doesNotContainAnyElementsOf(before);
            address.leadTo(fleet.redis.port());
            await("subscribed there").until(() -> old.patterns() == 0);
            awaitSameEra(here, there);
            assertThat(eras(there)).as("it stays in its own").isEqualTo(before);
        }
    }

    @Test
    void podsHavePositionsWhenReady() {
        Map<String, String> slow = Map.of("sluice.clock.interval", "3s");
        try (Redis redis = Redis.start();
                Pod one = Pod.ready(redis, slow)) {
            assertThat(eras(one)).hasSize(1);
            try (Pod two = Pod.ready(redis, slow)) {
                assertThat(eras(two)).isEqualTo(eras(one)).hasSize(1);
            }
        }
    }

    @Test
    void podIsReadyAlthoughOtherPodsDoNotTick() {
        Fleet fleet = Fleet.of("resp3");
        awaitSameEra(fleet.one, fleet.two);
        fleet.one.process().freeze();
        fleet.two.process().freeze();
        try (Pod third = Pod.ready(fleet.redis, QUICK)) {
            await("era").until(() -> !eras(third).isEmpty());
            fleet.one.process().thaw();
            fleet.two.process().thaw();
            awaitSameEra(fleet.one, third);
            awaitSameEra(fleet.two, third);
        }
    }

    @Test
    void onlyOnePodOfACalmFleetPublishesTicks() {
        Fleet fleet = Fleet.of("resp3");
        Pod one = fleet.one;
        Pod two = fleet.two;
        awaitSameEra(one, two);
        // On a busy machine, both may publish more often at the same moment.
        await("ticks, few of them twice").untilAsserted(() -> {
            double before = sent(one) + sent(two);
            double heard = heard(one);
            awaitTicks(one, 20);
            assertThat(sent(one) + sent(two) - before).isLessThan(1.75 * (heard(one) - heard + 2));
        });
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
