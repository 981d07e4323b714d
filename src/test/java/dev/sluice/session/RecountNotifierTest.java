package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.Scope;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.HandDrivenSource;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.history.History;
import dev.sluice.history.Recounted;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RecountNotifierTest {

    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final List<Channel> CHANNELS =
            List.of(TestOutboxFactory.channel("upload:a"), TestOutboxFactory.channel("upload:b"));

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Loop loop = new Loop(0, tasks::add);
    private final Registry registry = TestRegistries.with(Scope.CONNECTION);
    private final HandDrivenSource source = new HandDrivenSource();
    private final DeliveryDispatcher deliveries = TestDispatchers.with(source, registry, 1 << 20, lagged -> {});
    private final TestTimer timer = new TestTimer();
    private final List<RecordingFrameWriter> writers = new ArrayList<>();
    private final List<Connection> connections = new ArrayList<>();
    private long now;
    private long sequence;

    private final RecountNotifier notifier = notifier();

    private RecountNotifier notifier() {
        History history = TestHistory.standard();
        ResumeMeters meters = new ResumeMeters(new SimpleMeterRegistry());
        PositionWait wait = new PositionWait(Duration.ofSeconds(1), timer, () -> now);
        return new RecountNotifier(
                registry,
                deliveries,
                new ChannelResumption(history, registry, deliveries, meters, wait),
                new Stagger(() -> now, timer),
                PERIOD,
                connection -> connections.indexOf(connection) * (Session.SHARES / 100));
    }

    @Test
    void clientsSubscribeAgainWithinThePeriodAndGetNothingUntilThen() {
        connect(Dialect.CENTRIFUGE, 100);
        publish();
        assertThat(ended()).isZero();
        notifier.onRecounted(new Recounted(CHANNELS));
        int before = sent();
        publish();
        at(500);
        assertThat(ended()).isBetween(80L, 120L);
        assertThat(sent()).as("the ends alone").isEqualTo(before + (int) ended());
        at(1000);
        assertThat(ended()).isEqualTo(200);
        assertThat(sent()).isEqualTo(before + 200);
    }

    @Test
    void laterPublicationsAreNotDeliveredWithEarlierOnesThatStillWait() {
        connect(Dialect.CENTRIFUGE, 1);
        handOver("before");
        notifier.onRecounted(new Recounted(CHANNELS));
        handOver("after");
        runTasks();
        assertThat(writers.get(0).sent).startsWith("before", "before").doesNotContain("after");
    }

    @Test
    void clientThatWasToldMeanwhileIsNotToldAgain() {
        connect(Dialect.CENTRIFUGE, 100);
        notifier.onRecounted(new Recounted(CHANNELS));
        runTasks();
        notifier.onRecounted(new Recounted(CHANNELS));
        runTasks();
        registry.unsubscribe(connections.get(99), CHANNELS.get(0));
        registry.subscribe(connections.get(99), CHANNELS.get(0));
        at(1000);
        assertThat(ended()).isEqualTo(199);
        publish();
        assertThat(writers.get(99).sent).as("subscribed again").hasSize(2);
    }

    @Test
    void otherClientsAreNotConcerned() {
        connect(Dialect.V2, 1);
        notifier.onRecounted(new Recounted(CHANNELS));
        publish();
        at(1000);
        assertThat(ended()).isZero();
        assertThat(writers.get(0).sent).hasSize(2);
    }

    private void connect(Dialect dialect, int count) {
        for (int i = 0; i < count; i++) {
            RecordingFrameWriter writer = new RecordingFrameWriter();
            Connection connection = new Connection(
                    "7",
                    channel -> true,
                    TestOutboxFactory.standard().open(writer, loop, reason -> {}),
                    loop,
                    ended -> {},
                    dialect.tag(),
                    dialect.positioned(),
                    false);
            registry.add(connection);
            CHANNELS.forEach(channel -> registry.subscribe(connection, channel));
            writers.add(writer);
            connections.add(connection);
        }
        runTasks();
    }

    private void publish() {
        handOver("payload");
        runTasks();
    }

    /** Publishes on all channels. */
    private void handOver(String text) {
        for (Channel channel : CHANNELS) {
            ChannelListeners listeners = registry.listeners(channel);
            byte[] payload = text.getBytes(StandardCharsets.UTF_8);
            if (listeners != null) {
                deliveries.deliver(channel, listeners, Payload.of(++sequence, null, payload, now));
            }
        }
        deliveries.handOver(null);
    }

    private long ended() {
        return writers.stream()
                .flatMap(writer -> writer.sent.stream())
                .filter(text -> text.contains("\"unsubscribe\""))
                .count();
    }

    private int sent() {
        return writers.stream().mapToInt(writer -> writer.sent.size()).sum();
    }

    private void at(long millis) {
        now = TimeUnit.MILLISECONDS.toNanos(millis);
        runTasks();
        timer.isUp();
        runTasks();
    }

    private void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }
}
