package dev.sluice.bench.load;

import java.util.concurrent.TimeUnit;

/**
 * The payloads of the benchmarks: JSON such as {@code {"t":"0000012345678901234","p":"xxxx"}}, whose {@code t} is the
 * {@link System#nanoTime} at which it was published.
 */
final class Payload {

    /** The offset of the character that tells a payload from what servers say of their own accord. */
    static final int MARK_OFFSET = 2;

    static final byte MARK = 't';

    static final int TIME_OFFSET = 6;

    /** As many as the largest {@code long} has. */
    static final int TIME_DIGITS = 19;

    static final int TIME_END = TIME_OFFSET + TIME_DIGITS;

    /** A clock that may start anywhere, below zero even, is moved to where its readings have no sign. */
    private static final long ORIGIN = System.nanoTime() - TimeUnit.SECONDS.toNanos(1);

    private Payload() {}

    /** Nanoseconds on the clock of all publications and receipts. */
    static long now() {
        return System.nanoTime() - ORIGIN;
    }

    /** A payload of that many bytes, with zeros for the time. */
    static String template(int bytes) {
        String head = "{\"t\":\"" + "0".repeat(TIME_DIGITS) + "\",\"p\":\"";
        String tail = "\"}";
        return head + "x".repeat(bytes - head.length() - tail.length()) + tail;
    }
}
