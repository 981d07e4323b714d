package dev.sluice.outbox;

import dev.sluice.protocol.Dialect;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Records written messages as a client would read them. By default its simulated kernel accepts everything immediately.
 */
public final class RecordingFrameWriter implements FrameWriter {

    /** Each message in order: text unchanged, others by their kind. */
    public final List<String> sent = new ArrayList<>();

    /** The number of publications of each run. */
    public final List<Integer> runs = new ArrayList<>();

    public final List<Integer> closes = new ArrayList<>();
    public int flushes;
    public int cuts;

    /** The bytes that the kernel has not accepted, as an outbox charges them. */
    public long waiting;

    /** Whether its client reads a little all the time, so that no flush completes. */
    public boolean trickles;

    /** Whether connections share the bytes of a frame. */
    public boolean shares = true;

    /** Whether it writes the publications of a batch together. */
    public boolean takesBatches = true;

    private record Stuck(Done done, long cost) {}

    private final Queue<Stuck> stuck = new ArrayDeque<>();
    private long unflushed;
    private boolean full;

    @Override
    public void write(Frame frame) {
        waiting += frame.cost();
        unflushed += frame.cost();
        if (frame instanceof PublicationBatch batch) {
            runs.add(batch.count());
            for (int i = 0; i < batch.count(); i++) {
                sent.add(new String(batch.get(i).bytes(), StandardCharsets.UTF_8));
            }
        } else if (frame instanceof Frame.Text text) {
            sent.add(new String(text.utf8(), StandardCharsets.UTF_8));
        } else if (frame instanceof Frame.Missed missed) {
            sent.add(new String(Dialect.V1.missed(missed.channel(), missed.count()), StandardCharsets.UTF_8));
        } else {
            sent.add(frame.getClass().getSimpleName());
        }
    }

    @Override
    public boolean takesBatches() {
        return takesBatches;
    }

    @Override
    public boolean sharesBytes() {
        return shares;
    }

    @Override
    public void flush(Done done) {
        flushes++;
        stuck.add(new Stuck(done, unflushed));
        unflushed = 0;
        if (!full) {
            drain();
        }
    }

    @Override
    public long lastTaken(long since, long now) {
        return trickles ? now : since;
    }

    @Override
    public void close(int code, String reason) {
        closes.add(code);
    }

    @Override
    public void cut() {
        cuts++;
    }

    /** Makes the kernel accept nothing. */
    public void fill() {
        full = true;
    }

    /** Makes the kernel accept the flushed frames. */
    public void drain() {
        for (int flushed = stuck.size(); flushed > 0; flushed--) {
            take(null);
        }
    }

    /** Makes the kernel accept the oldest flushed frame; returns false if there is none. */
    public boolean takeOne() {
        return take(null);
    }

    /** Makes the kernel accept everything again. */
    public void open() {
        full = false;
        while (take(null)) {
            // The drain causes further flushes, which the kernel accepts too.
        }
    }

    /** Fails every pending write. */
    public void fail(Throwable failure) {
        while (take(failure)) {
            // One by one, because each has its own promise.
        }
    }

    private boolean take(@Nullable Throwable failure) {
        Stuck oldest = stuck.poll();
        if (oldest == null) {
            return false;
        }
        waiting -= oldest.cost();
        oldest.done().done(failure);
        return true;
    }
}
