package dev.sluice.feed;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.CorruptedFrameException;

/**
 * Reads lengths and finds the ends of elements of RESP2 and RESP3, the protocol of Redis. After a length was read,
 * {@link #next} is the index after its line. Moves no reader index. Not thread-safe.
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
    long bulkLength(ByteBuf in, int at) {
        if (at >= in.writerIndex()) {
            return INCOMPLETE;
        }
        if (in.getByte(at) != '$') {
            throw new CorruptedFrameException("Redis sent something else than a bulk string");
        }
        return length(in, at + 1);
    }

    /** Returns the length between the index and the end of the line, or {@link #INCOMPLETE}. */
    long length(ByteBuf in, int at) {
        long length = 0;
        for (int i = at; i < in.writerIndex() - 1; i++) {
            byte digit = in.getByte(i);
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
    int end(ByteBuf in, int at) {
        int line = in.indexOf(at, in.writerIndex(), (byte) '\n');
        if (line < 0) {
            return INCOMPLETE;
        }
        int type = in.getByte(at);
        boolean none = in.getByte(at + 1) == '-';
        switch (type) {
            case '$', '=', '!' -> {
                long length = none ? INCOMPLETE : length(in, at + 1);
                if (none) {
                    return line + 1;
                }
                return next + length + 2 > in.writerIndex() ? INCOMPLETE : (int) (next + length + 2);
            }
            case '*', '>', '~', '%', '|' -> {
                long elements = none ? 0 : length(in, at + 1);
                int end = line + 1;
                for (long i = type == '%' || type == '|' ? 2 * elements : elements; i > 0 && end >= 0; i--) {
                    end = end < in.writerIndex() ? end(in, end) : INCOMPLETE;
                }
                return end;
            }
            default -> {
                return line + 1;
            }
        }
    }
}
