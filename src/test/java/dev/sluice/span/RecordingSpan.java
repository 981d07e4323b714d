package dev.sluice.span;

import java.util.ArrayList;
import java.util.List;

/** A span that notes how its children end. */
public final class RecordingSpan implements Span {

    private final String name;
    private final List<String> ended;

    public RecordingSpan(String name) {
        this(name, new ArrayList<>());
    }

    private RecordingSpan(String name, List<String> ended) {
        this.name = name;
        this.ended = ended;
    }

    /** Returns the names and outcomes of the ended spans, in order. */
    public List<String> ended() {
        return ended;
    }

    @Override
    public Span child(String child) {
        return new RecordingSpan(child, ended);
    }

    @Override
    public void end(String outcome) {
        ended.add(name + ": " + outcome);
    }

    @Override
    public void fail(String outcome) {
        ended.add(name + " failed: " + outcome);
    }
}
