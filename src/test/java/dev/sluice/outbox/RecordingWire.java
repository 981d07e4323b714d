package dev.sluice.outbox;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** Takes down what is written as a peer would read it; its kernel takes everything at once until told otherwise. */
public final class RecordingWire implements Wire {

    /** Each message in order: text as it is, the rest by its kind. */
    public final List<String> sent = new ArrayList<>();

    public final List<Integer> closes = new ArrayList<>();
    public int flushes;
    public int cuts;
    private final Queue<Done> stuck = new ArrayDeque<>();
    private boolean full;

    @Override
    public void write(Frame frame) {
        if (frame instanceof Run run) {
            for (int i = 0; i < run.count(); i++) {
                sent.add(new String(run.get(i).bytes(), StandardCharsets.UTF_8));
            }
        } else if (frame instanceof Frame.Text text) {
            sent.add(new String(text.utf8(), StandardCharsets.UTF_8));
        } else {
            sent.add(frame.getClass().getSimpleName());
        }
    }

    @Override
    public void flush(Done done) {
        flushes++;
        if (full) {
            stuck.add(done);
        } else {
            done.done(null);
        }
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
            stuck.remove().done(null);
        }
    }

    /** The kernel takes everything again. */
    public void open() {
        full = false;
        while (!stuck.isEmpty()) {
            stuck.remove().done(null);
        }
    }

    /** Every write under way fails. */
    public void fail(@Nullable Throwable failure) {
        while (!stuck.isEmpty()) {
            stuck.remove().done(failure);
        }
    }
}
