package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.HandDrivenSource;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.history.History;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.AcceptingFrameWriter;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.retain.Retention;
import dev.sluice.retain.TestRetention;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PositionedSubscriptionsTest {

    private static final Channel CHANNEL = TestOutboxFactory.channel("upload:1");
    private static final Era BY_NAME = Era.founded(1000, Era.Kind.BY_CHANNEL, 7);
    private static final Position COUNTED_SINCE = Position.of(BY_NAME, 2, 0, 6);

    /** A pod that hears the channel since {@link #COUNTED_SINCE}, and a publication before. */
    @Test
    void retainedPublicationFromBeforeTheCountHasThePositionOfItsTick() {
        assertThat(retained(null)).isEqualTo(COUNTED_SINCE);
        assertThat(retained(Position.of(BY_NAME, 1, 3, 5))).isEqualTo(COUNTED_SINCE);
    }

    /** Returns the position with which a client gets the retained publication, whose own position is given. */
    private static @Nullable Position retained(@Nullable Position own) {
        History history = TestHistory.standard();
        history.follow(Position.of(BY_NAME, 1, 0, 5));
        history.follow(COUNTED_SINCE);
        history.hold(CHANNEL);
        history.follow(Position.of(BY_NAME, 3, 0, 7));
        Retention retention = TestRetention.with(1);
        retention.remember(CHANNEL, Payload.of(1, own, "x".getBytes(StandardCharsets.UTF_8), System.nanoTime()));
        Registry registry = TestRegistries.with(TestOutboxFactory.ROUTES);
        DeliveryDispatcher deliveries =
                TestDispatchers.with(new HandDrivenSource(), registry, TestOutboxFactory.ROUTES);
        Writer writer = new Writer();
        Loop loop = new Loop(0, Runnable::run);
        Connection connection = new Connection(
                "7", channel -> true, TestOutboxFactory.standard().open(writer, loop, reason -> {}), loop, ended -> {});
        registry.add(connection);
        registry.subscribe(connection, CHANNEL);
        PositionWait wait = new PositionWait(Duration.ofSeconds(1), new TestTimer(), System::nanoTime);
        new PositionedSubscriptions(
                        registry,
                        history,
                        retention,
                        deliveries,
                        new Resumption(
                                history, registry, deliveries, new ResumeMeters(new SimpleMeterRegistry()), wait),
                        TestStreams.noOpenings(registry, TestStreams.none(registry, deliveries), deliveries))
                .subscribe(
                        new TestClient(connection, Dialect.V2),
                        List.of(CHANNEL),
                        List.of(CHANNEL),
                        new PendingSubscriptions.Request(true, null, new JointRequest(null, null, false)));
        assertThat(writer.sent).hasSize(1);
        return writer.sent.get(0).position();
    }

    private static final class Writer implements AcceptingFrameWriter {
        private final List<Payload> sent = new ArrayList<>();

        @Override
        public void write(Frame frame) {
            if (frame instanceof PublicationBatch batch) {
                sent.add(batch.get(0));
            }
        }
    }
}
