package dev.sluice.stream;

/** Makes replays for tests of other packages. */
public final class TestReplays {

    private TestReplays() {}

    public static StreamReplay of(StreamReader reader) {
        return new StreamReplay(reader);
    }
}
