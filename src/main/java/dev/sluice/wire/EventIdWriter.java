package dev.sluice.wire;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.route.Channel;
import org.jspecify.annotations.Nullable;

/**
 * Gives each event of one connection an id with the positions of all its channels. The rest of the event is shared by all
 * connections. Confined to the connection's event loop.
 */
final class EventIdWriter implements FrameWriter {

    private static final String FIELD = "id: ";

    private final FrameWriter events;
    private final EventIds ids;
    private final Format format;

    /** The format of publications, with the longest id. */
    private record Format(PublicationFormat events, int idBytes) implements PublicationFormat {

        @Override
        public boolean addsHeader() {
            return true;
        }

        @Override
        public int overhead(Channel channel, Payload payload) {
            return events.overhead(channel, payload) + idBytes;
        }

        @Override
        public byte @Nullable [] encode(Channel channel, Payload payload, boolean complete) {
            return events.encode(channel, payload, complete);
        }

        @Override
        public byte[] missed(Channel channel, int count) {
            return events.missed(channel, count);
        }
    }

    /** Creates a writer of events in the format, to which it adds ids. */
    EventIdWriter(FrameWriter events, PublicationFormat format, EventIds ids) {
        this.events = events;
        this.ids = ids;
        this.format = new Format(format, Frame.OVERHEAD + Frame.encodedLength(FIELD.length() + ids.maxLength() + 2));
    }

    @Override
    public PublicationFormat headers() {
        return format;
    }

    @Override
    public boolean sharesBytes() {
        return events.sharesBytes();
    }

    /** Each event has its own id. */
    @Override
    public boolean takesBatches() {
        return false;
    }

    @Override
    public void write(Frame frame) {
        write(frame, true);
    }

    @Override
    public void writeLate(Frame frame) {
        write(frame, false);
    }

    private void write(Frame frame, boolean upToDate) {
        if (frame instanceof PublicationBatch batch) {
            publication(batch.channel(), batch.first(), upToDate, frame);
        } else if (frame instanceof ReplayBatch replay) {
            publication(replay.channel(0), replay.get(0), false, frame);
        } else if (frame instanceof Frame.Mark mark) {
            if (mark.message().length > 0) {
                events.write(new Frame.Text(mark.message()));
            }
            boolean changed = ids.reached(mark.at());
            for (var entry : mark.entries().entrySet()) {
                changed |= ids.reached(entry.getKey(), entry.getValue());
            }
            if (changed) {
                events.write(Frame.text(FIELD + ids + "\n\n"));
            }
        } else {
            events.write(frame);
        }
    }

    private void publication(Channel channel, Payload payload, boolean upToDate, Frame event) {
        boolean changed =
                payload.id() == null ? upToDate && ids.reached(payload.position()) : ids.reached(channel, payload.id());
        if (changed) {
            // Browsers take the id for that of the event that follows, once they have all of it.
            events.write(Frame.text(FIELD + ids + "\n"));
        }
        try {
            events.writeLate(event);
        } catch (Throwable e) {
            // The id would become that of the next event, and the client would never get this one.
            events.cut();
            throw e;
        }
    }

    @Override
    public void flush(Done done) {
        events.flush(done);
    }

    @Override
    public long lastTaken(long since, long now) {
        return events.lastTaken(since, now);
    }

    @Override
    public void close(int code, String reason) {
        events.close(code, reason);
    }

    @Override
    public void cut() {
        events.cut();
    }
}
