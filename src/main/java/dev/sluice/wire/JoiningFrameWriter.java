package dev.sluice.wire;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.PublicationFormat;
import java.io.ByteArrayOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Joins Sluice's own text messages that follow one another before a flush to one message, each in a line of its own, for
 * a format that {@link PublicationFormat#joins() joins}. Confined to the connection's event loop.
 */
final class JoiningFrameWriter implements FrameWriter {

    private final FrameWriter writer;

    /** The messages that are not written yet; the outbox bounds them, as it has been charged for each. */
    private @Nullable ByteArrayOutputStream lines;

    JoiningFrameWriter(FrameWriter writer) {
        this.writer = writer;
    }

    @Override
    public void write(Frame frame) {
        if (frame instanceof Frame.Text text) {
            add(text.utf8());
        } else {
            writeLines();
            writer.write(frame);
        }
    }

    @Override
    public void writeLate(Frame frame) {
        if (frame instanceof Frame.Text text) {
            add(text.utf8());
        } else {
            writeLines();
            writer.writeLate(frame);
        }
    }

    private void add(byte[] message) {
        if (lines == null) {
            lines = new ByteArrayOutputStream(message.length);
        } else {
            lines.write('\n');
        }
        lines.writeBytes(message);
    }

    private void writeLines() {
        ByteArrayOutputStream those = lines;
        if (those != null) {
            // Not to be written again where encoding fails.
            lines = null;
            writer.write(new Frame.Text(those.toByteArray()));
        }
    }

    @Override
    public void flush(Done done) {
        try {
            writeLines();
        } catch (Throwable e) {
            writer.flush(unsent -> done.done(e));
            return;
        }
        writer.flush(done);
    }

    @Override
    public @Nullable PublicationFormat headers() {
        return writer.headers();
    }

    @Override
    public boolean sharesBytes() {
        return writer.sharesBytes();
    }

    @Override
    public boolean takesBatches() {
        return writer.takesBatches();
    }

    @Override
    public long lastTaken(long since, long now) {
        return writer.lastTaken(since, now);
    }

    @Override
    public void close(int code, String reason) {
        writer.close(code, reason);
    }

    @Override
    public void cut() {
        writer.cut();
    }
}
