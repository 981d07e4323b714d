package dev.sluice.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutboxTest {

    private final List<Frame> written = new ArrayList<>();
    private final List<Wire.Done> writes = new ArrayList<>();
    private final List<Integer> closes = new ArrayList<>();
    private final Pending pending = new Pending(new SimpleMeterRegistry());
    private int failures;

    private final Wire wire = new Wire() {
        @Override
        public void write(Frame frame, Done done) {
            written.add(frame);
            writes.add(done);
        }

        @Override
        public void close(int code, String reason) {
            closes.add(code);
        }
    };

    private final Outbox outbox = new Outbox(wire, pending, () -> failures++);

    @Test
    void writesInOrder() {
        Frame first = Frame.control("1");
        Frame second = Frame.control("2");
        outbox.send(first);
        outbox.send(second);
        assertThat(written).containsExactly(first, second);
    }

    @Test
    void countsWhatTheKernelHasNotTaken() {
        List<Integer> receipts = new ArrayList<>();
        outbox.send(new Frame.Text("12345", 5, receipts::add));
        assertThat(pending.bytes()).isEqualTo(5);
        assertThat(receipts).isEmpty();
        writes.get(0).done(null);
        assertThat(pending.bytes()).isZero();
        assertThat(receipts).containsExactly(5);
    }

    @Test
    void tellsOfAFailedWriteAndDoesNotCountItAsDelivered() {
        List<Integer> receipts = new ArrayList<>();
        outbox.send(new Frame.Text("12345", 5, receipts::add));
        writes.get(0).done(new IOException("reset"));
        assertThat(failures).isEqualTo(1);
        assertThat(receipts).isEmpty();
        assertThat(pending.bytes()).isZero();
    }

    @Test
    void closesOnceAndSendsNothingAfter() {
        outbox.close(1012, "going");
        outbox.close(1011, "again");
        outbox.send(Frame.control("late"));
        assertThat(closes).containsExactly(1012);
        assertThat(written).isEmpty();
        assertThat(pending.bytes()).isZero();
    }
}
