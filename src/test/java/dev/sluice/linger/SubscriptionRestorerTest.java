package dev.sluice.linger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.HandDrivenAuthorizer;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.Connection;
import dev.sluice.registry.LingeringSubscriptions;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class SubscriptionRestorerTest {

    private static final Channel OWNED = TestOutboxFactory.channel("owned:1");

    private final HandDrivenAuthorizer authorizer = new HandDrivenAuthorizer();
    private final LingeringSubscriptions lingering = TestRegistries.lingering(Duration.ofMinutes(1));
    private final Registry registry = TestRegistries.with(lingering);
    private final MeterRegistry metrics = new SimpleMeterRegistry();
    private final List<String> wanted = new ArrayList<>();
    private final Queue<Runnable> timers = new ArrayDeque<>();
    private long waited;
    private final SubscriptionRestorer restorer = new SubscriptionRestorer(
            lingering, registry, TestAuthorizers.asking(authorizer), wanted::add, this::after, metrics);
    private final RecordingFrameWriter writer = new RecordingFrameWriter();
    private final Connection connection = connection();

    @Test
    void retriesWithoutAnAnswer() {
        connected();
        noAnswer();
        timers.remove().run();
        answer(true);
        assertThat(TestRegistries.hearing(registry, OWNED)).containsExactly(connection);
        assertThat(timers).isEmpty();
        assertThat(writer.sent).isEmpty();
        assertThat(count("restored")).isEqualTo(1);
        assertThat(count("lost")).isZero();
    }

    @Test
    void listenerIsCalledForEachRestoredSubscription() {
        List<Channel> restored = new ArrayList<>();
        restorer.whenRestored((to, channel) -> {
            assertThat(TestRegistries.hearing(registry, channel)).containsExactly(to);
            restored.add(channel);
        });
        connected();
        assertThat(restored).isEmpty();
        answer(true);
        assertThat(restored).containsExactly(OWNED);
    }

    @Test
    void reportsUndecidedSubscriptionsToTheClient() {
        connected();
        noAnswer();
        while (!timers.isEmpty()) {
            assertThat(count("lost")).isZero();
            timers.remove().run();
            noAnswer();
        }
        assertThat(authorizer.questions).hasSizeBetween(2, 10);
        assertThat(waited).isLessThan(10_000);
        assertThat(count("lost")).isEqualTo(1);
        assertThat(writer.sent)
                .singleElement()
                .asString()
                .startsWith("{\"action\":\"error\",\"code\":\"unavailable\",");
        assertThat(writer.sent.get(0)).contains("\"channel\":\"owned:1\"");
    }

    @Test
    void forbiddenSubscriptionIsOmittedSilently() {
        connected();
        answer(false);
        assertThat(timers).isEmpty();
        assertThat(writer.sent).isEmpty();
        assertThat(count("lost")).isZero();
    }

    @Test
    void doesNotAskForExistingSubscriptions() {
        registry.add(connection);
        registry.subscribe(connection, OWNED);
        restorer.told("7", Map.of(OWNED, 5L));
        assertThat(authorizer.questions).isEmpty();
    }

    @Test
    void doesNotAskAfterTheUserUnsubscribes() {
        connected();
        registry.unsubscribe(connection, OWNED);
        noAnswer();
        assertThat(timers).isEmpty();
        assertThat(count("lost")).isZero();
    }

    @Test
    void failedAccessCheckDoesNotEndTheConnection() {
        SubscriptionRestorer failing = new SubscriptionRestorer(
                lingering,
                registry,
                TestAuthorizers.asking(authorizer),
                user -> {
                    throw new IllegalStateException("of the test");
                },
                this::after,
                metrics);
        registry.add(connection);
        failing.connected(connection);
        assertThat(connection.ended()).isNull();
    }

    private void connected() {
        lingering.merge("7", Map.of(OWNED, 5L));
        registry.add(connection);
        restorer.connected(connection);
        assertThat(wanted).containsExactly("7");
    }

    private void answer(boolean allowed) {
        authorizer.questions.get(authorizer.questions.size() - 1).complete(allowed);
    }

    private void noAnswer() {
        authorizer.questions.get(authorizer.questions.size() - 1).completeExceptionally(new IOException("of the test"));
    }

    private void after(long millis, Runnable action) {
        waited += millis;
        timers.add(action);
    }

    private double count(String what) {
        return metrics.get("sluice.lingering." + what).counter().count();
    }

    private Connection connection() {
        Loop loop = new Loop(0, Runnable::run);
        return new Connection(
                "7", channel -> true, TestOutboxFactory.standard().open(writer, loop, reason -> {}), loop, ended -> {});
    }
}
