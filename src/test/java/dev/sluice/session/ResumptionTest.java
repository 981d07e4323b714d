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
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ResumptionTest {

    private static final Channel CHANNEL = TestOutboxFactory.channel("upload:1");
    private static final Era ERA = new Era(1000, 7);
    private static final Position REACHED = Position.of(ERA, 1, 0, 5);

    private final History history = TestHistory.standard();

    @Test
    void subscriptionBeginsAtThePositionOfTheLoop() {
        history.follow(REACHED);
        assertThat(begin().from()).isEqualTo(REACHED);
    }

    /** Publications after its position were not handed to the loop if none of its clients listened. */
    @Test
    void subscriptionHasNoPositionWhileTheLoopIsBehindTheStartOfTheHistory() {
        history.follow(Position.of(ERA, 3, 0, 6));
        Resumption.Answer answer = begin();
        assertThat(answer.recovered()).isFalse();
        assertThat(answer.at()).isNull();
        assertThat(answer.from()).isNull();
    }

    /** Subscribes a client of a loop that has reached {@link #REACHED}. */
    private Resumption.Answer begin() {
        Registry registry = TestRegistries.with(TestOutboxFactory.ROUTES);
        DeliveryDispatcher deliveries =
                TestDispatchers.with(new HandDrivenSource(), registry, TestOutboxFactory.ROUTES);
        deliveries.handOver(REACHED);
        Loop loop = new Loop(0, Runnable::run);
        AcceptingFrameWriter writer = frame -> {};
        Connection connection = new Connection(
                "7", channel -> true, TestOutboxFactory.standard().open(writer, loop, reason -> {}), loop, ended -> {});
        registry.add(connection);
        registry.subscribe(connection, CHANNEL);
        PositionWait wait = new PositionWait(Duration.ofSeconds(1), new TestTimer(), System::nanoTime);
        TestClient client = new TestClient(connection, Dialect.V2);
        client.at = () -> REACHED;
        List<Resumption.Answer> answers = new ArrayList<>();
        new Resumption(history, registry, deliveries, new ResumeMeters(new SimpleMeterRegistry()), wait)
                .begin(new Resumption.Request(client, List.of(CHANNEL), List.of(CHANNEL), null, false), answers::add);
        assertThat(answers).hasSize(1);
        return answers.get(0);
    }
}
