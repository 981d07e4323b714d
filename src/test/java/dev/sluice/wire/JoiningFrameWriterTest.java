package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class JoiningFrameWriterTest {

    private final List<String> written = new ArrayList<>();
    private boolean exhausted;
    private final FrameWriter writer = new JoiningFrameWriter(new Recorder());
    private final List<@Nullable Throwable> done = new ArrayList<>();

    @Test
    void messagesBeforeAFlushAreOne() {
        writer.write(Frame.text("{\"id\":1}"));
        writer.writeLate(Frame.text("{\"id\":2}"));
        writer.write(Frame.text("{\"id\":3}"));
        assertThat(written).isEmpty();
        writer.flush(done::add);
        writer.write(Frame.text("{\"id\":4}"));
        writer.flush(done::add);
        assertThat(written).containsExactly("{\"id\":1}\n{\"id\":2}\n{\"id\":3}", "flush", "{\"id\":4}", "flush");
        assertThat(done).hasSize(2).containsOnlyNulls();
    }

    @Test
    void otherFramesKeepTheirPlace() {
        writer.write(Frame.text("a"));
        writer.write(new Frame.Ping());
        writer.write(Frame.text("b"));
        writer.writeLate(new Frame.Pong(new byte[0]));
        writer.write(Frame.text("c"));
        writer.flush(done::add);
        assertThat(written).containsExactly("a", "Ping", "b", "late Pong", "c", "flush");
    }

    @Test
    void failureToEncodeReachesWhoFlushes() {
        writer.write(Frame.text("a"));
        exhausted = true;
        writer.flush(done::add);
        assertThat(done).singleElement().isInstanceOf(OutOfMemoryError.class);
        writer.write(Frame.text("b"));
        assertThatThrownBy(() -> writer.write(new Frame.Ping())).isInstanceOf(OutOfMemoryError.class);
        exhausted = false;
        writer.flush(done::add);
        assertThat(written).as("not written again").containsExactly("flush", "flush");
    }

    private final class Recorder implements FrameWriter {
        @Override
        public void write(Frame frame) {
            record("", frame);
        }

        @Override
        public void writeLate(Frame frame) {
            record("late ", frame);
        }

        private void record(String how, Frame frame) {
            if (exhausted) {
                throw new OutOfMemoryError();
            }
            written.add(how
                    + (frame instanceof Frame.Text text
                            ? new String(text.utf8(), StandardCharsets.UTF_8)
                            : frame.getClass().getSimpleName()));
        }

        @Override
        public void flush(Done done) {
            written.add("flush");
            done.done(null);
        }

        @Override
        public void close(int code, String reason) {}

        @Override
        public void cut() {}
    }
}
