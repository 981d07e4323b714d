package dev.sluice.feed;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.CorruptedFrameException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Takes what was published out of what Redis sends, and lets everything else through to the Redis client. The client's
 * own parser makes some twenty objects of each message; here it is one, because most messages are of no interest. The
 * publications of one read are one batch; a message of another kind ends the batch, so that the order stays as Redis sent
 * it. A payload that is too large is skipped as it comes and never held in memory. Confined to the connection's event
 * loop.
 */
final class PublicationDecoder extends ByteToMessageDecoder {

    /** {@code *4} or, in RESP3, {@code >4}, then the length of "pmessage"; without its first byte. */
    private static final long START = 0x0034_0D0A_2438_0D0AL;

    private static final long WITHOUT_FIRST_BYTE = 0x00FF_FFFF_FFFF_FFFFL;

    /** "pmessage". */
    private static final long PMESSAGE = 0x706D_6573_7361_6765L;

    /** Bytes before the length of the pattern: {@code *4 CRLF $8 CRLF pmessage CRLF $}. */
    private static final int PATTERN_LENGTH_AT = 19;

    /** {@code *3} or {@code >3}, then the length of "message"; without its first byte. */
    private static final long NAMED_START = 0x0033_0D0A_2437_0D0AL;

    /** "message" and the end of its line begun. */
    private static final long MESSAGE = 0x6D65_7373_6167_650DL;

    /** Where the name begins of a channel that was subscribed to by name: {@code *3 CRLF $7 CRLF message CRLF}. */
    private static final int NAMED_AT = 17;

    /** What all channels of the pods' own begin with. Others are subscribed to by the client, which asks sentinels. */
    private static final byte[] OWN = "sluice:".getBytes(StandardCharsets.US_ASCII);

    /** More than a pod ever says to others. */
    static final int MAX_OWN = 16 * 1024;

    /** Longer than the name of any channel a route knows. */
    private static final int MAX_NAME = 1024;

    private static final int INCOMPLETE = -1;

    private final int maxPayload;
    private final Consumer<List<Publication>> consumer;
    private final Consumer<Publication> own;

    /** The publications of the current read; handed on as they are, so every batch is a list of its own. */
    private List<Publication> batch = new ArrayList<>();

    /** Bytes to skip. */
    private long skip;

    /** Whether the payload of a channel with too long a name follows. */
    private boolean nameless;

    /** Where the last element ended that was read. */
    private int next;

    /**
     * A decoder at the beginning of a connection.
     *
     * @param maxPayload payloads with more bytes are left out
     * @param consumer receives the publications on channels of a pattern that one read brought, in order and at least one,
     *     on the event loop; must not throw
     * @param own receives each publication on a channel of the pods' own, on the event loop; its payload is left out where
     *     it is larger than {@link #MAX_OWN}; must not throw
     */
    PublicationDecoder(int maxPayload, Consumer<List<Publication>> consumer, Consumer<Publication> own) {
        this.maxPayload = maxPayload;
        this.consumer = consumer;
        this.own = own;
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        endBatch();
        // Not super's: it reads on where a read has handed nothing on, even while reading is paused.
        discardSomeReadBytes();
        context.fireChannelReadComplete();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) throws Exception {
        endBatch();
        super.channelInactive(context);
        // What was left undecoded has been decoded by that.
        endBatch();
    }

    private void endBatch() {
        if (!batch.isEmpty()) {
            List<Publication> ended = batch;
            batch = new ArrayList<>(ended.size());
            consumer.accept(ended);
        }
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        long now = System.nanoTime();
        while (in.isReadable()) {
            if (skip > 0) {
                int bytes = (int) Math.min(skip, in.readableBytes());
                in.skipBytes(bytes);
                skip -= bytes;
            } else if (nameless) {
                long length = bulkLength(in, in.readerIndex());
                if (length == INCOMPLETE) {
                    return;
                }
                nameless = false;
                skip(in, next, length);
                batch.add(new Publication(new byte[0], 0, (int) length, now));
            } else if (isPublication(in)) {
                if (!publication(in, now)) {
                    return;
                }
            } else if (isOwn(in)) {
                endBatch();
                if (!message(in, in.readerIndex() + NAMED_AT, MAX_OWN, own, now)) {
                    return;
                }
            } else {
                int end = end(in, in.readerIndex());
                if (end == INCOMPLETE) {
                    return;
                }
                endBatch();
                // A copy, because the client's parser appends to what it gets, and a slice can't grow.
                out.add(Unpooled.buffer(end - in.readerIndex()).writeBytes(in, end - in.readerIndex()));
                // What was let through must not be overtaken by a publication.
                return;
            }
        }
    }

    private static boolean isPublication(ByteBuf in) {
        int at = in.readerIndex();
        return in.readableBytes() >= PATTERN_LENGTH_AT
                && (in.getLong(at) & WITHOUT_FIRST_BYTE) == START
                && in.getLong(at + Long.BYTES) == PMESSAGE;
    }

    /** False also where not enough has come to tell: then the message has not come as a whole either. */
    private boolean isOwn(ByteBuf in) {
        int at = in.readerIndex();
        if (in.readableBytes() <= NAMED_AT
                || (in.getLong(at) & WITHOUT_FIRST_BYTE) != NAMED_START
                || in.getLong(at + Long.BYTES) != MESSAGE
                || bulkLength(in, at + NAMED_AT) == INCOMPLETE
                || in.writerIndex() < next + OWN.length) {
            return false;
        }
        for (int i = 0; i < OWN.length; i++) {
            if (in.getByte(next + i) != OWN[i]) {
                return false;
            }
        }
        return true;
    }

    /** Reads pattern, name and payload; false where they have not all come. */
    private boolean publication(ByteBuf in, long now) {
        long pattern = length(in, in.readerIndex() + PATTERN_LENGTH_AT);
        return pattern != INCOMPLETE && message(in, next + (int) pattern + 2, maxPayload, batch::add, now);
    }

    /** Reads name and payload, the name beginning there; false where they have not all come. */
    private boolean message(ByteBuf in, int at, int max, Consumer<Publication> told, long now) {
        long nameLength = bulkLength(in, at);
        if (nameLength == INCOMPLETE) {
            return false;
        }
        int name = next;
        if (nameLength > MAX_NAME) {
            skip(in, name, nameLength);
            nameless = true;
            return true;
        }
        long payloadLength = bulkLength(in, name + (int) nameLength + 2);
        if (payloadLength == INCOMPLETE) {
            return false;
        }
        int payload = next;
        int kept = payloadLength > max ? 0 : (int) payloadLength;
        if (kept == payloadLength && in.writerIndex() < payload + kept + 2) {
            return false;
        }
        byte[] bytes = new byte[(int) nameLength + kept];
        in.getBytes(name, bytes, 0, (int) nameLength);
        in.getBytes(payload, bytes, (int) nameLength, kept);
        skip(in, payload, payloadLength);
        told.accept(new Publication(bytes, (int) nameLength, (int) payloadLength, now));
        return true;
    }

    /** Goes on behind a bulk string that may not have come as a whole. */
    private void skip(ByteBuf in, int from, long length) {
        skip = length + 2;
        int here = (int) Math.min(skip, in.writerIndex() - from);
        in.readerIndex(from + here);
        skip -= here;
    }

    /** The length of the bulk string that begins there; what it says begins at {@code next}. */
    private long bulkLength(ByteBuf in, int at) {
        if (at >= in.writerIndex()) {
            return INCOMPLETE;
        }
        if (in.getByte(at) != '$') {
            throw new CorruptedFrameException("A bulk string was expected from Redis");
        }
        return length(in, at + 1);
    }

    /** The number that stands there up to the end of the line, after which {@code next} is. */
    private long length(ByteBuf in, int at) {
        long length = 0;
        for (int i = at; i < in.writerIndex() - 1; i++) {
            byte digit = in.getByte(i);
            if (digit == '\r') {
                next = i + 2;
                return length;
            }
            length = length * 10 + digit - '0';
            if (digit < '0' || digit > '9' || length > Integer.MAX_VALUE) {
                throw new CorruptedFrameException("A length was expected from Redis");
            }
        }
        return INCOMPLETE;
    }

    /** Where the element ends that begins there, whatever it is. */
    private int end(ByteBuf in, int at) {
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
