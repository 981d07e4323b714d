package dev.sluice.feed;

import io.netty.handler.codec.CorruptedFrameException;

/**
 * Reads lengths and finds the ends of elements of RESP2 and RESP3, the protocol of Redis, in the bytes before a limit.
 * After a length was read, {@link #next} is the index after its line. Not thread-safe.
 */
final class RespReader {

    /** Returned while too few bytes have arrived. */
    static final int INCOMPLETE = -1;

    private int next;

    /** Returns the index after the line of the last length. */
    int next() {
        return next;
    }

    /** Returns the length of the bulk string that begins at the index, or {@link #INCOMPLETE}. */
    long bulkLength(byte[] in, int at, int limit) {
        if (at >= limit) {
            return INCOMPLETE;
        }
        if (in[at] != '$') {
            throw noBulkString();
        }
        return length(in, at + 1, limit);
    }

    /** A method, so that the caller is short enough for a compiler without a profile to inline it. */
    private static CorruptedFrameException noBulkString() {
        return new CorruptedFrameException("Redis sent something else than a bulk string");
    }

    /** Returns the length between the index and the end of the line, or {@link #INCOMPLETE}. */
    long length(byte[] in, int at, int limit) {
        long length = 0;
        for (int i = at; i < limit - 1; i++) {
            byte digit = in[i];
            if (digit == '\r') {
                next = i + 2;
                return length;
            }
            length = length * 10 + digit - '0';
            if (digit < '0' || digit > '9' || length > Integer.MAX_VALUE) {
                throw new CorruptedFrameException("Redis sent something else than a length");
            }
        }
        return INCOMPLETE;
    }

    /** Returns the index after the element of any type that begins at the index, or {@link #INCOMPLETE}. */
    int end(byte[] in, int at, int limit) {
        int line = endOfLine(in, at, limit);
        if (line == INCOMPLETE) {
            return INCOMPLETE;
        }
        int type = in[at];
        boolean none = in[at + 1] == '-';
        switch (type) {
            case '$', '=', '!' -> {
                if (none) {
                    return line;
                }
                long length = length(in, at + 1, limit);
                return next + length + 2 > limit ? INCOMPLETE : (int) (next + length + 2);
            }
            case '*', '>', '~', '%', '|' -> {
                long elements = none ? 0 : length(in, at + 1, limit);
                int end = line;
                for (long i = type == '%' || type == '|' ? 2 * elements : elements; i > 0 && end >= 0; i--) {
                    end = end < limit ? end(in, end, limit) : INCOMPLETE;
                }
                return end;
            }
            default -> {
                return line;
            }
        }
    }

    private static int endOfLine(byte[] in, int at, int limit) {
        for (int i = at; i < limit; i++) {
            if (in[i] == '\n') {
                return i + 1;
            }
        }
        return INCOMPLETE;
    }
}
