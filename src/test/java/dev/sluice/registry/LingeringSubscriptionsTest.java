package dev.sluice.registry;

import static dev.sluice.registry.RegistryTest.upload;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.Scope;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class LingeringSubscriptionsTest {

    private static final Duration LINGER = Duration.ofSeconds(60);
    private static final Channel A = upload("a");
    private static final Channel B = upload("b");

    private Duration now = Duration.ZERO;
    private final LingeringSubscriptions lingering = lingering(1 << 20);
    private final Registry registry = new Registry(TestOutboxFactory.ROUTES, Scope.USER, 3, 3, lingering);
    private final Map<String, Map<Channel, Long>> told = new HashMap<>();

    @Test
    void newerStampWinsInAnyOrder() {
        assertThat(lingering.merge("7", Map.of(A, 5L, B, 5L))).containsOnlyKeys(A, B);
        assertThat(lingering.merge("7", Map.of(A, -6L, B, -4L))).isEmpty();
        assertThat(lingering.of("7")).containsOnlyKeys(B);
        assertThat(lingering.merge("7", Map.of(A, 5L))).as("older").isEmpty();
        assertThat(lingering.merge("7", Map.of(A, 6L))).as("of the same time").isEmpty();
        assertThat(lingering.of("7")).containsOnlyKeys(B);
        assertThat(lingering.merge("7", Map.of(A, 7L))).containsExactly(Map.entry(A, 7L));
        assertThat(lingering.own("7")).as("another pod answers").isEmpty();
    }

    @Test
    void subscriptionsAreKeptAfterTheLastConnection() {
        lingering.listen(told::put);
        Connection one = add();
        Connection two = add();
        registry.subscribe(one, A);
        registry.remove(one);
        assertThat(lingering.of("7")).as("one is still there").isEmpty();
        registry.remove(two);
        assertThat(lingering.of("7")).containsOnlyKeys(A);
        assertThat(told).containsOnlyKeys("7");
        assertThat(told.get("7")).containsOnlyKeys(A);
        now = LINGER.minusSeconds(1);
        assertThat(lingering.of("7")).containsOnlyKeys(A);
        now = LINGER;
        assertThat(lingering.of("7")).isEmpty();
        assertThat(registry.isEmpty()).isTrue();
    }

    @Test
    void eachEndedConnectionRestartsTheLingerTime() {
        Connection one = add();
        registry.subscribe(one, A);
        registry.remove(one);
        now = LINGER.minusSeconds(1);
        Connection two = add();
        lingering
                .of("7")
                .forEach((channel, at) ->
                        assertThat(registry.restore(two, channel, at)).isTrue());
        registry.remove(two);
        now = LINGER.plusSeconds(1);
        assertThat(lingering.of("7")).containsOnlyKeys(A);
    }

    @Test
    void restoredSubscriptionBehavesLikeAnyOther() {
        Connection one = add();
        assertThat(registry.restoring("7")).isSameAs(one);
        assertThat(registry.restore(one, A, 5)).isTrue();
        assertThat(registry.restore(one, A, 5)).as("once").isFalse();
        assertThat(TestRegistries.hearing(registry, A)).containsExactly(one);
        assertThat(registry.subscriptions()).isEqualTo(1);
        lingering.listen(told::put);
        registry.unsubscribe(one, A);
        assertThat(TestRegistries.hearing(registry, A)).isEmpty();
        assertThat(told("7").get(A)).as("others know of it").isNegative();
        assertThat(registry.restore(one, A, 5)).as("a late answer").isFalse();
        registry.subscribe(one, A);
        registry.remove(one);
        assertThat(lingering.of("7")).containsOnlyKeys(A);
        assertThat(registry.isEmpty()).isTrue();
    }

    @Test
    void unsubscribeIsPublishedOnlyIfOthersMayKnowTheSubscription() {
        lingering.listen(told::put);
        Connection one = add();
        registry.subscribe(one, A);
        registry.unsubscribe(one, A);
        assertThat(told).isEmpty();
        registry.subscribe(one, A);
        registry.share("7");
        registry.unsubscribe(one, A);
        assertThat(told("7").get(A)).isNegative();
        registry.subscribe(one, B);
        lingering.merge("7", Map.of(B, 5L));
        registry.unsubscribe(one, B);
        assertThat(told("7").get(B)).as("another pod has told of it").isNegative();
        assertThat(lingering.of("7")).isEmpty();
    }

    @Test
    void unsubscribeAppliesAlthoughTheOtherPodsClockIsAhead() {
        long ahead = System.currentTimeMillis() + 60_000;
        lingering.merge("7", Map.of(A, ahead));
        Connection one = add();
        registry.restore(one, A, ahead);
        registry.unsubscribe(one, A);
        assertThat(lingering.merge("7", Map.of(A, ahead))).isEmpty();
        assertThat(lingering.of("7")).isEmpty();
    }

    @Test
    void unsubscribeOnAnotherPodAppliesUnlessTheUserSubscribedLater() {
        Connection one = add();
        registry.restore(one, A, 5);
        registry.restore(one, B, 5);
        assertThat(registry.unsubscribedElsewhere("7", A, 4)).as("before").isEmpty();
        assertThat(registry.unsubscribedElsewhere("7", A, 6)).containsExactly(one);
        assertThat(TestRegistries.hearing(registry, A)).isEmpty();
        assertThat(registry.restore(one, A, 5)).isFalse();
        registry.subscribe(one, B);
        assertThat(registry.unsubscribedElsewhere("7", B, 6)).isEmpty();
        assertThat(TestRegistries.hearing(registry, B)).containsExactly(one);
        assertThat(registry.subscriptions()).isEqualTo(1);
        registry.remove(one);
        assertThat(registry.isEmpty()).isTrue();
    }

    @Test
    void newSubscriptionReplacesARestoredOne() {
        Connection one = add();
        registry.restore(one, A, 5);
        registry.restore(one, B, 4);
        registry.restore(one, upload("c"), 6);
        assertThat(registry.restore(one, upload("d"), 7))
                .as("as many as allowed")
                .isFalse();
        assertThat(registry.subscribe(one, A)).isEqualTo(Subscribed.ALREADY);
        assertThat(registry.subscribe(one, upload("d"))).isEqualTo(Subscribed.YES);
        assertThat(TestRegistries.hearing(registry, B)).as("the oldest").isEmpty();
        assertThat(registry.subscribe(one, upload("e"))).isEqualTo(Subscribed.YES);
        assertThat(registry.subscribe(one, upload("f"))).isEqualTo(Subscribed.TOO_MANY);
        assertThat(registry.subscriptions()).isEqualTo(3);
        registry.remove(one);
        assertThat(registry.isEmpty()).isTrue();
    }

    @Test
    void keptSubscriptionsAreBounded() {
        LingeringSubscriptions small = lingering(10_000);
        for (int i = 0; i < 10_000; i++) {
            small.merge("user " + i, Map.of(A, 5L));
        }
        long kept = 0;
        for (int i = 0; i < 10_000; i++) {
            kept += small.of("user " + i).size();
        }
        assertThat(kept).isBetween(1L, 20L);
        assertThat(lingering.merge("7", Map.of(A, 1L, B, 1L, upload("c"), 1L, upload("d"), 1L)))
                .hasSize(3);
    }

    @Test
    void newestSubscriptionsAreKeptAtTheLimit() {
        Channel c = upload("c");
        Channel d = upload("d");
        lingering.merge("7", Map.of(A, 2L, B, 3L, c, 4L));
        assertThat(lingering.merge("7", Map.of(d, 1L))).as("the oldest").isEmpty();
        assertThat(lingering.merge("7", Map.of(d, 5L))).containsOnlyKeys(d);
        assertThat(lingering.of("7")).containsOnlyKeys(B, c, d);
        lingering.keep("7", Map.of(A, 6L, upload("e"), 7L, upload("f"), 8L));
        assertThat(lingering.of("7")).containsOnlyKeys(A, upload("e"), upload("f"));
    }

    @Test
    void unsubscribeOnAnotherPodDoesNotBlockANewerSubscription() {
        Connection one = add();
        registry.unsubscribedElsewhere("7", A, 6);
        registry.unsubscribedElsewhere("7", A, 4);
        registry.unsubscribedElsewhere("7", B, 6);
        assertThat(registry.restore(one, A, 5)).as("older").isFalse();
        assertThat(registry.restore(one, B, 6)).as("of the same time").isFalse();
        assertThat(registry.restore(one, A, 7)).isTrue();
        registry.unsubscribe(one, A);
        assertThat(registry.restore(one, A, Long.MAX_VALUE - 1))
                .as("unsubscribed here")
                .isFalse();
    }

    @Test
    void tooManyUnsubscribesEndTheRestoring() {
        Connection one = add();
        for (int i = 0; i < 6; i++) {
            registry.unsubscribe(one, upload("x" + i));
            registry.unsubscribe(one, upload("x" + i));
        }
        assertThat(registry.restore(one, A, 5)).isTrue();
        registry.unsubscribe(one, upload("one more"));
        assertThat(registry.restore(one, B, 5)).isFalse();
        add();
        assertThat(registry.restore(one, B, 5)).as("another connection").isFalse();
        assertThat(registry.restoring("7")).isNull();
    }

    @Test
    void unsubscribeBeforeTheRestoreIsPublished() {
        lingering.listen(told::put);
        Connection one = add();
        assertThat(registry.unsubscribe(one, A)).isEmpty();
        assertThat(registry.subscriptions()).isZero();
        assertThat(told("7").get(A)).isNegative();
        assertThat(lingering.merge("7", Map.of(A, 5L))).isEmpty();
        registry.remove(one);
        assertThat(registry.isEmpty()).isTrue();
    }

    @Test
    void subscribeAfterAnUnsubscribeAppliesAlthoughTheOtherPodsClockIsAhead() {
        lingering.merge("7", Map.of(A, -(System.currentTimeMillis() + 60_000)));
        Connection one = add();
        registry.subscribe(one, A);
        registry.remove(one);
        assertThat(lingering.of("7")).containsOnlyKeys(A);
    }

    @Test
    void scopeConnectionAndZeroLingerKeepNothing() {
        for (LingeringSubscriptions off : List.of(
                new LingeringSubscriptions(LINGER, 1 << 20, Scope.CONNECTION, 3, () -> now.toNanos()),
                new LingeringSubscriptions(Duration.ZERO, 1 << 20, Scope.USER, 3, () -> now.toNanos()))) {
            assertThat(off.enabled()).isFalse();
            assertThat(off.merge("7", Map.of(A, 5L))).isEmpty();
            off.keep("7", Map.of(A, 5L));
            assertThat(off.of("7")).isEmpty();
            Registry without = new Registry(TestOutboxFactory.ROUTES, Scope.USER, 3, 3, off);
            Connection one = RegistryTest.connection("7", event -> {});
            without.add(one);
            assertThat(without.restoring("7")).isNull();
            assertThat(without.restore(one, A, 5)).isFalse();
        }
    }

    private Map<Channel, Long> told(String user) {
        return Objects.requireNonNull(told.get(user));
    }

    private Connection add() {
        Connection connection = RegistryTest.connection("7", event -> {});
        registry.add(connection);
        return connection;
    }

    private LingeringSubscriptions lingering(long maxBytes) {
        return new LingeringSubscriptions(LINGER, maxBytes, Scope.USER, 3, () -> now.toNanos());
    }
}
