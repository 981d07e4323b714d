package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.IntNode;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.delivery.HandDrivenSource;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.history.History;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ChannelResumptionTest {

    private static final Routes ROUTES = new Routes(List.of(TestOutboxFactory.USER));
    private static final Channel CHANNEL = TestOutboxFactory.channel("upload:1");
    private static final Frame ANSWER = Dialect.CENTRIFUGE.pong(IntNode.valueOf(1));
    private static final Era COMMON = Era.founded(1000, Era.Kind.COMMON, 7);
    private static final Era BY_NAME = Era.founded(1000, Era.Kind.BY_CHANNEL, 7);

    @Test
    void clientsAreChargedForFindingPositionsOfPodsThatSubscribeByName() {
        assertThat(spent(COMMON, null)).isZero();
        assertThat(spent(BY_NAME, null)).isEqualTo(Resumption.LOOK);
        assertThat(spent(COMMON, Position.of(COMMON, 1, 3, 5))).isEqualTo(Resumption.SEARCH);
        assertThat(spent(BY_NAME, Position.of(BY_NAME, 1, 0, 5))).isEqualTo(Resumption.SEARCH + Resumption.LOOK);
        assertThat(spent(BY_NAME, Position.of(BY_NAME, 1, 3, 5))).isEqualTo(2 * Resumption.SEARCH + Resumption.LOOK);
    }

    /** Returns the bytes with which a client is charged, besides those of the answer. */
    private static int spent(Era era, @Nullable Position since) {
        History history = TestHistory.standard();
        history.follow(Position.of(era, 1, 0, 5));
        history.hold(CHANNEL);
        history.follow(Position.of(era, 2, 0, 6));
        Registry registry = TestRegistries.with(ROUTES);
        Loop loop = new Loop(0, Runnable::run);
        TestClient client = new TestClient(
                new Connection(
                        "7",
                        channel -> true,
                        TestOutboxFactory.standard().open(new RecordingFrameWriter(), loop, reason -> {}),
                        loop,
                        ended -> {}),
                Dialect.CENTRIFUGE);
        Map<Channel, @Nullable Position> request = new LinkedHashMap<>();
        request.put(CHANNEL, since);
        boolean[] answered = {false};
        new ChannelResumption(
                        history,
                        registry,
                        TestDispatchers.with(new HandDrivenSource(), registry, ROUTES),
                        new ResumeMeters(new SimpleMeterRegistry()),
                        new PositionWait(Duration.ofSeconds(1), new TestTimer(), System::nanoTime))
                .begin(new ChannelResumption.Request(client, request, starts -> ANSWER), () -> answered[0] = true);
        assertThat(answered[0]).isTrue();
        return client.spent - ANSWER.length();
    }
}
