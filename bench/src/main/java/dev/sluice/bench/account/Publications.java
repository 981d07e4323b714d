package dev.sluice.bench.account;

import java.util.Arrays;

/** What was published on one channel, numbered from 1 in order. Times are {@link Time#now}. */
public final class Publications {

    private static final long NEVER = Long.MAX_VALUE;

    private long[] sent = new long[64];
    private long[] acknowledged = new long[64];
    private int count;

    /** The number of one that is sent now. */
    public int add(long at) {
        count++;
        if (count == sent.length) {
            sent = Arrays.copyOf(sent, 2 * count);
            acknowledged = Arrays.copyOf(acknowledged, 2 * count);
        }
        sent[count] = at;
        acknowledged[count] = NEVER;
        return count;
    }

    /** Redis has confirmed it: it was published between its being sent and now. */
    public void acknowledge(int number, long at) {
        acknowledged[number] = at;
    }

    /** The highest number there is. */
    public int count() {
        return count;
    }

    /** Whether it is certain that it was published; one that was not acknowledged may have been or not. */
    boolean isCertain(int number) {
        return acknowledged[number] != NEVER;
    }

    /** It was not published before. */
    long sent(int number) {
        return sent[number];
    }

    /** It was not published after. */
    long acknowledged(int number) {
        return acknowledged[number];
    }
}
