package dev.sluice.outbox;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** Takes down what is written as a peer would read it; its kernel takes everything at once until told otherwise. */
public final class RecordingFrameWriter implements FrameWriter {

    /** Each message in order: text as it is, the rest by its kind. */
    public final List<String> sent = new ArrayList<>();

    /** How many publications each run had. */
    public final List<Integer> runs = new ArrayList<>();

    public final List<Integer> closes = new ArrayList<>();
    public int flushes;
    public int cuts;

    /** What it has been given and its kernel has not taken, as an outbox charges for it. */
    public long waiting;

    /** Whether its peer takes a little all the time, so that no flush is done. */
    public boolean trickles;

    /** Whether what is sent to many is in memory once. */
    public boolean shares = true;

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
        } else {
            sent.add(frame.getClass().getSimpleName());
        }
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

    /** The kernel takes nothing more. */
    public void fill() {
        full = true;
    }

    /** The kernel takes what has been flushed so far. */
    public void drain() {
        for (int flushed = stuck.size(); flushed > 0; flushed--) {
            take(null);
        }
    }

    /** The kernel takes the oldest of what has been flushed; false where there is nothing. */
    public boolean takeOne() {
        return take(null);
    }

    /** The kernel takes everything again. */
    public void open() {
        full = false;
        while (take(null)) {
            // What that sets free is flushed, and taken too.
        }
    }

    /** Every write under way fails. */
    public void fail(Throwable failure) {
        while (take(failure)) {
            // One by one, as each has its own promise.
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
