package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.clock.EntryId;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.route.Channel;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class EventIdWriterTest {

    private final Channel channel = Objects.requireNonNull(TestOutboxFactory.ROUTES.resolve("log:7"));

    @Test
    void idOfAnEventThatCanNotBeWrittenIsNotGivenToTheNextOne() {
        Failing events = new Failing();
        FrameWriter writer = TestEventIds.before(events, Dialect.EVENTS, List.of(channel));
        Payload payload = new Payload(1, null, new byte[] {'a'}, true, 0, new EntryId(5, 0));
        assertThatThrownBy(() -> writer.writeLate(new PublicationBatch(channel, payload)))
                .isInstanceOf(OutOfMemoryError.class);
        assertThat(events.cut).isTrue();
    }

    /** Has no memory for publications. */
    private static final class Failing implements FrameWriter {

        private boolean cut;

        @Override
        public void write(Frame frame) {
            if (frame instanceof PublicationBatch) {
                throw new OutOfMemoryError("thrown by the test");
            }
        }

        @Override
        public void flush(Done done) {}

        @Override
        public void close(int code, String reason) {}

        @Override
        public void cut() {
            cut = true;
        }
    }
}
