package dev.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.demo.Dev;
import dev.sluice.feed.Batch;
import dev.sluice.feed.Feed;
import dev.sluice.feed.Gap;
import dev.sluice.feed.Publication;
import dev.sluice.history.Adopted;
import dev.sluice.history.History;
import dev.sluice.history.Replay;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.retain.Retention;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Runs in the process, because these failures can't be caused from outside. */
@QuarkusTest
@TestProfile(Dev.class)
class RelayTest {

    @Inject
    Feed feed;

    @Inject
    Registry registry;

    @Inject
    ReactiveRedisDataSource redis;

    @Inject
    OutboxFactory outboxes;

    @Inject
    Routes routes;

    @Inject
    History history;

    @Inject
    Retention retention;

    private final RecordingFrameWriter heard = new RecordingFrameWriter();
    private final Queue<String> ended = new ConcurrentLinkedQueue<>();

    @Test
    void exceptionDuringDeliveryDoesNotEndTheStream() {
        await().atMost(60, TimeUnit.SECONDS).until(feed::live);
        registry.add(connection("error", new Failing(new AssertionError("thrown by the test"))));
        registry.add(connection("exception", new Failing(new IllegalStateException("thrown by the test"))));
        registry.add(connection("good", heard));
        for (String user : new String[] {"error", "exception", "good"}) {
            redis.pubsub(String.class).publish("user:" + user, "hello").await().atMost(Duration.ofSeconds(60));
        }
        await().atMost(60, TimeUnit.SECONDS)
                .until(() -> !List.copyOf(heard.sent).isEmpty());
        assertThat(heard.sent).containsExactly("hello");
        assertThat(ended).containsExactlyInAnyOrder("error", "exception");
        assertThat(feed.live()).isTrue();
    }

    @Test
    void failedDeliveryIsCountedOnItsRoute() {
        MeterRegistry metrics = new SimpleMeterRegistry();
        Relay failing = new Relay(
                feed,
                routes,
                history,
                retention,
                registry,
                TestDispatchers.failing(registry),
                1024,
                adopted -> {},
                recounted -> {},
                metrics);
        Connection connection = connection("counted", heard);
        registry.add(connection);
        byte[] bytes = "user:countedhello".getBytes(StandardCharsets.US_ASCII);
        failing.relay(new Batch(
                null, List.of(new Publication(bytes, "user:counted".length(), "hello".length(), System.nanoTime()))));
        registry.remove(connection);
        assertThat(count(metrics, "user", "dropped")).isEqualTo(1);
        assertThat(count(metrics, "user", "routed")).isZero();
        assertThat(count(metrics, "none", "dropped")).isZero();
    }

    @Test
    void batchesOfAnySizeAreKeptAndDeliveredInOrder() {
        History kept = TestHistory.standard();
        Position before = Position.of(new Era(1, 1), 1, 0, 1);
        Channel channel = TestOutboxFactory.channel("user:many");
        Connection connection = connection("many", heard);
        registry.add(connection);
        List<String> payloads =
                IntStream.range(0, 600).mapToObj(Integer::toString).toList();
        TestRelay.of(kept, retention, registry, TestDispatchers.idle(registry))
                .accept(new Batch(
                        before,
                        payloads.stream()
                                .map(payload -> publication("user:many", payload))
                                .toList()));
        registry.remove(connection);
        assertThat(kept.read(before, List.of(channel)))
                .isInstanceOfSatisfying(
                        Replay.Recovered.class,
                        replay -> assertThat(replay.entries())
                                .extracting(entry -> entry.payload().sequence())
                                .isEqualTo(LongStream.rangeClosed(1, payloads.size())
                                        .boxed()
                                        .toList()));
        assertThat(heard.sent).containsExactlyElementsOf(payloads);
    }

    @Test
    void historyKeepsPublicationsOfItsRoutesUntilAGap() {
        History kept = TestHistory.standard();
        Relay relay = new Relay(
                feed,
                routes,
                kept,
                retention,
                registry,
                TestDispatchers.failing(registry),
                10,
                adopted -> {},
                recounted -> {},
                new SimpleMeterRegistry());
        Position before = Position.of(new Era(1, 1), 1, 0, 1);
        Channel channel = Objects.requireNonNull(routes.resolve("user:kept"));
        relay.relay(new Batch(
                before,
                List.of(
                        publication("user:kept", "first"),
                        publication("unknown:kept", "invalid"),
                        publication("user:kept", "larger than is allowed"),
                        publication("user:other", "other"),
                        publication("user:kept", "second"),
                        publication("unknown:kept", "invalid"))));
        assertThat(kept.head()).isEqualTo(before.plus(6));
        assertThat(kept.read(before, List.of(channel)))
                .isInstanceOfSatisfying(
                        Replay.Recovered.class,
                        replay -> assertThat(replay.entries())
                                .extracting(entry -> entry.payload().position())
                                .containsExactly(before.plus(1), before.plus(5)));
        relay.interrupted(new Gap(Instant.now(), null));
        assertThat(kept.head()).isNull();
    }

    @Test
    void adoptionIsReportedOnceItHasPositions() {
        DeliveryDispatcher deliveries = TestDispatchers.idle(registry);
        List<Adopted> told = new ArrayList<>();
        List<@Nullable Position> named = new ArrayList<>();
        Relay relay = new Relay(
                feed,
                routes,
                TestHistory.standard(),
                retention,
                registry,
                deliveries,
                10,
                adopted -> {
                    told.add(adopted);
                    named.add(deliveries.position(new Loop(0, Runnable::run)));
                },
                recounted -> {},
                new SimpleMeterRegistry());
        Position tick = Position.of(new Era(1, 1), 1, 0, 1);
        relay.relay(new Batch(null, List.of(publication("user:kept", "before"))));
        assertThat(told).as("without a clock").isEmpty();
        relay.relay(new Batch(tick, List.of(publication("user:kept", "first"))));
        assertThat(told).containsExactly(new Adopted(Objects.requireNonNull(tick.plus(1))));
        relay.relay(new Batch(tick.plus(1), List.of(publication("user:kept", "second"))));
        assertThat(told).as("the era goes on").hasSize(1);
        relay.interrupted(new Gap(Instant.now(), null));
        relay.relay(new Batch(tick.plus(3), List.of()));
        Position other = Position.of(new Era(2, 1), 5, 0, 1);
        relay.relay(new Batch(other, List.of()));
        assertThat(told).extracting(Adopted::head).containsExactly(tick.plus(1), tick.plus(3), other);
        assertThat(named).isEqualTo(told.stream().map(Adopted::head).toList());
    }

    private static Publication publication(String channel, String payload) {
        byte[] bytes = (channel + payload).getBytes(StandardCharsets.US_ASCII);
        return new Publication(bytes, channel.length(), payload.length(), System.nanoTime());
    }

    private static double count(MeterRegistry metrics, String route, String outcome) {
        return metrics.get("sluice.publications")
                .tags("route", route, "outcome", outcome)
                .counter()
                .count();
    }

    private Connection connection(String user, FrameWriter writer) {
        Loop loop = new Loop(99, Runnable::run);
        return new Connection(
                user,
                channel -> true,
                outboxes.open(writer, loop, reason -> {}),
                loop,
                event -> ended.add(event.connection().user()));
    }

    private record Failing(Throwable failure) implements FrameWriter {
        @Override
        public void write(Frame frame) {
            if (failure instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) failure;
        }

        @Override
        public void flush(Done done) {}

        @Override
        public void close(int code, String reason) {}

        @Override
        public void cut() {}
    }
}
