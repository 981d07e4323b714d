package dev.sluice.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Tests the limit of all outboxes of an event loop together. */
class TotalOutboxBytesTest {

    private static final int MAX = 256 * 1024;
    private static final int TOTAL = 1024 * 1024;
    private static final int QUARTER = TOTAL / 4 - 4096;

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Loop loop = new Loop(0, tasks::add);
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final OutboxFactory factory = TestOutboxFactory.with(MAX, TOTAL, Duration.ofHours(1), metrics);
    private final List<String> failures = new ArrayList<>();

    /** A connection whose client does not read. */
    private final class Stuck {
        private final RecordingFrameWriter writer = new RecordingFrameWriter();
        private final Outbox outbox;

        Stuck(String name) {
            outbox = factory.open(writer, loop, reason -> failures.add(name + " " + reason));
            writer.fill();
        }

        void send(Frame frame) {
            outbox.send(frame);
            runTasks();
        }
    }

    @Test
    void exceededTotalClosesTheConnectionWithMostDataWaiting() {
        Stuck small = new Stuck("small");
        Stuck large = new Stuck("large");
        small.send(text(QUARTER / 8));
        large.send(text(QUARTER));
        fill(2);
        small.send(text(QUARTER / 8));
        assertThat(failures).isEmpty();
        fill(1);
        assertThat(failures).containsExactly("large OUTBOX_FULL");
        assertThat(refused()).isEqualTo(1);
    }

    @Test
    void closingConnectionIsCutIfTheTotalStaysExceeded() {
        Stuck large = new Stuck("large");
        large.send(text(QUARTER));
        fill(3);
        assertThat(failures).isEmpty();
        new Stuck("small").send(text(QUARTER / 8));
        assertThat(failures).containsExactly("large OUTBOX_FULL");
        large.outbox.close(new Close(4008, ""));
        assertThat(large.writer.closes).containsExactly(4008);
        assertThat(large.writer.cuts).isZero();
        new Stuck("small").send(text(QUARTER / 8));
        assertThat(large.writer.cuts).isEqualTo(1);
    }

    @Test
    void sharedPublicationsCountOnce() {
        sendToMany(true);
        assertThat(metrics.get("sluice.outbox.pending.bytes").gauge().value()).isGreaterThan(10L * TOTAL);
        assertThat(failures).isEmpty();
    }

    @Test
    void copiedPublicationsCountForEachConnection() {
        sendToMany(false);
        assertThat(failures).isNotEmpty();
    }

    /** As event streams, which write an id after each. */
    @Test
    void publicationsThatAreSplitForEachConnectionCountForEach() {
        PublicationBatch batch = new PublicationBatch(
                TestOutboxFactory.channel("user:7"), new Payload(1, null, new byte[QUARTER / 4], true, 0));
        batch.add(new Payload(2, null, new byte[QUARTER / 4], true, 0));
        List<Stuck> all =
                IntStream.range(0, 100).mapToObj(i -> new Stuck("" + i)).toList();
        all.forEach(stuck -> stuck.writer.takesBatches = false);
        batch.sharedBy(all.size());
        all.forEach(stuck -> stuck.send(batch));
        assertThat(failures).isNotEmpty();
    }

    @Test
    void splitPublicationsThatAreHeldBackCountOnce() {
        PublicationBatch batch = new PublicationBatch(
                TestOutboxFactory.channel("upload:7"), new Payload(1, null, new byte[QUARTER / 4], true, 0));
        batch.add(new Payload(2, null, new byte[QUARTER / 4], true, 0));
        List<Stuck> all =
                IntStream.range(0, 10).mapToObj(i -> new Stuck("" + i)).toList();
        all.forEach(stuck -> {
            stuck.writer.takesBatches = false;
            stuck.send(text(Outbox.HIGH_WATER_MARK + 1024));
        });
        // A hundred times as many connections share the payload.
        batch.sharedBy(100 * all.size());
        all.forEach(stuck -> stuck.send(batch));
        assertThat(failures).isEmpty();
    }

    private void sendToMany(boolean shares) {
        PublicationBatch shared = new PublicationBatch(
                TestOutboxFactory.channel("user:7"), new Payload(1, null, new byte[QUARTER / 2], true, 0));
        List<Stuck> all =
                IntStream.range(0, 100).mapToObj(i -> new Stuck("" + i)).toList();
        all.forEach(stuck -> stuck.writer.shares = shares);
        shared.sharedBy(all.size());
        all.forEach(stuck -> stuck.send(shared));
    }

    @Test
    void heldPublicationsCount() {
        Stuck full = new Stuck("full");
        full.send(text(Outbox.HIGH_WATER_MARK));
        for (int i = 0; i < 3; i++) {
            full.send(new PublicationBatch(
                    TestOutboxFactory.channel("upload:" + i), new Payload(i + 1, null, new byte[MAX / 5], true, 0)));
        }
        fill(3);
        assertThat(failures).isEmpty();
        new Stuck("small").send(text(QUARTER / 4));
        assertThat(failures).hasSize(1);
    }

    @Test
    void takenBytesNoLongerCount() {
        for (int i = 0; i < 20; i++) {
            Stuck one = new Stuck("" + i);
            one.send(text(QUARTER));
            if (i % 2 == 0) {
                one.writer.open();
            } else {
                one.outbox.ended();
            }
        }
        assertThat(failures).isEmpty();
    }

    private void fill(int quarters) {
        for (int i = 0; i < quarters; i++) {
            new Stuck("more").send(text(QUARTER - 1024));
        }
    }

    private double refused() {
        return metrics.get("sluice.refused")
                .tag("limit", "outbox-total-bytes")
                .counter()
                .count();
    }

    private static Frame text(int cost) {
        return Frame.text("x".repeat(cost - Frame.OVERHEAD - 10));
    }

    private void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }
}
