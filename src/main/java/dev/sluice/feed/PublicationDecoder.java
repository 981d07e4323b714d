package dev.sluice.feed;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Extracts publications from the bytes of a Redis connection, and passes everything else on to the Redis client. The
 * client's own parser allocates some twenty objects per message, this one a single array, because most messages have no
 * listener. The publications of one read form one batch; a message of another kind ends the batch, so that Redis's
 * order is kept. An oversized payload is skipped as it arrives, and never buffered. Confined to the connection's event
 * loop.
 */
final class PublicationDecoder extends ByteToMessageDecoder {

    /** {@code *4} or, in RESP3, {@code >4}, then the length of "pmessage"; without its first byte. */
    private static final long START = 0x0034_0D0A_2438_0D0AL;

    private static final long WITHOUT_FIRST_BYTE = 0x00FF_FFFF_FFFF_FFFFL;

    /** "pmessage". */
    private static final long PMESSAGE = 0x706D_6573_7361_6765L;

    /** Offset of the length of the pattern: {@code *4 CRLF $8 CRLF pmessage CRLF $}. */
    private static final int PATTERN_LENGTH_AT = 19;

    /** {@code *3} or {@code >3}, then the length of "message"; without its first byte. */
    private static final long NAMED_START = 0x0033_0D0A_2437_0D0AL;

    /** "message" and the CR of its line. */
    private static final long MESSAGE = 0x6D65_7373_6167_650DL;

    /** Offset of the channel of a message on a channel subscribed to by name: {@code *3 CRLF $7 CRLF message CRLF}. */
    private static final int NAMED_AT = 17;

    /** Prefix of Sluice's own channels. The Redis client subscribes to others, on sentinels. */
    private static final byte[] OWN = "sluice:".getBytes(StandardCharsets.US_ASCII);

    /** In bytes; pods send less. */
    static final int MAX_NAMED_PAYLOAD = 16 * 1024;

    /** In bytes; no route has channels with longer names. */
    private static final int MAX_NAME = 1024;

    private static final int INCOMPLETE = RespReader.INCOMPLETE;

    private final RespReader resp = new RespReader();
    private final int maxPayload;
    private final Consumer<List<Publication>> published;
    private final Consumer<Publication> named;

    /** The publications of the current read. The receiver keeps the list, so each batch is a new one. */
    private List<Publication> batch = new ArrayList<>();

    private long messages;

    /** The number of bytes still to skip. */
    private long skip;

    /** Whether the payload of a message follows whose channel name was too long. */
    private boolean nameless;

    private boolean stopped;

    /**
     * Creates a decoder for a new connection.
     *
     * @param maxPayload in bytes; larger payloads are left out of publications
     * @param published receives the publications of one read on channels that match a pattern, in order and at least one,
     *     on the event loop; must not throw
     * @param named receives each message on a channel of Sluice's own, in order with the batches, on the event loop; a
     *     payload larger than {@link #MAX_NAMED_PAYLOAD} is left out; must not throw
     */
    PublicationDecoder(int maxPayload, Consumer<List<Publication>> published, Consumer<Publication> named) {
        this.maxPayload = maxPayload;
        this.published = published;
        this.named = named;
    }

    /** Returns the number of messages read on the patterns, including those that are dropped. */
    long messages() {
        return messages;
    }

    /** Passes nothing on from now on, not even what has been read already. */
    void stop() {
        stopped = true;
        batch.clear();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        endBatch();
        // Does not call super, which would read again after a read without a message, even while reading is paused.
        discardSomeReadBytes();
        context.fireChannelReadComplete();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) throws Exception {
        endBatch();
        super.channelInactive(context);
        // This call has decoded the remaining bytes.
        endBatch();
    }

    private void endBatch() {
        if (!batch.isEmpty()) {
            List<Publication> ended = batch;
            batch = new ArrayList<>(ended.size());
            published.accept(ended);
        }
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        if (stopped) {
            in.skipBytes(in.readableBytes());
            return;
        }
        long now = System.nanoTime();
        while (in.isReadable()) {
            if (skip > 0) {
                int bytes = (int) Math.min(skip, in.readableBytes());
                in.skipBytes(bytes);
                skip -= bytes;
            } else if (nameless) {
                long length = resp.bulkLength(in, in.readerIndex());
                if (length == INCOMPLETE) {
                    return;
                }
                nameless = false;
                skip(in, resp.next(), length);
                add(new Publication(new byte[0], 0, (int) length, now));
            } else if (isPublication(in)) {
                if (!publication(in, now)) {
                    return;
                }
            } else if (isOwn(in)) {
                endBatch();
                if (!message(in, in.readerIndex() + NAMED_AT, MAX_NAMED_PAYLOAD, named, now)) {
                    return;
                }
            } else {
                int end = resp.end(in, in.readerIndex());
                if (end == INCOMPLETE) {
                    return;
                }
                endBatch();
                // A copy, because the client's parser appends to its input, and a slice can't grow.
                out.add(Unpooled.buffer(end - in.readerIndex()).writeBytes(in, end - in.readerIndex()));
                // Returns so that this element is passed on before the publications that follow it.
                return;
            }
        }
    }

    private void add(Publication publication) {
        messages++;
        batch.add(publication);
    }

    private static boolean isPublication(ByteBuf in) {
        int at = in.readerIndex();
        return in.readableBytes() >= PATTERN_LENGTH_AT
                && (in.getLong(at) & WITHOUT_FIRST_BYTE) == START
                && in.getLong(at + Long.BYTES) == PMESSAGE;
    }

    /** Also returns false while too few bytes have arrived; the message is then incomplete. */
    private boolean isOwn(ByteBuf in) {
        int at = in.readerIndex();
        if (in.readableBytes() <= NAMED_AT
                || (in.getLong(at) & WITHOUT_FIRST_BYTE) != NAMED_START
                || in.getLong(at + Long.BYTES) != MESSAGE
                || resp.bulkLength(in, at + NAMED_AT) == INCOMPLETE
                || in.writerIndex() < resp.next() + OWN.length) {
            return false;
        }
        for (int i = 0; i < OWN.length; i++) {
            if (in.getByte(resp.next() + i) != OWN[i]) {
                return false;
            }
        }
        return true;
    }

    /** Reads pattern, name and payload; returns false while they are incomplete. */
    private boolean publication(ByteBuf in, long now) {
        long pattern = resp.length(in, in.readerIndex() + PATTERN_LENGTH_AT);
        return pattern != INCOMPLETE && message(in, resp.next() + (int) pattern + 2, maxPayload, this::add, now);
    }

    /** Reads name and payload, where the name begins at the index; returns false while they are incomplete. */
    private boolean message(ByteBuf in, int at, int max, Consumer<Publication> receiver, long now) {
        long nameLength = resp.bulkLength(in, at);
        if (nameLength == INCOMPLETE) {
            return false;
        }
        int name = resp.next();
        if (nameLength > MAX_NAME) {
            skip(in, name, nameLength);
            nameless = true;
            return true;
        }
        long payloadLength = resp.bulkLength(in, name + (int) nameLength + 2);
        if (payloadLength == INCOMPLETE) {
            return false;
        }
        int payload = resp.next();
        int kept = payloadLength > max ? 0 : (int) payloadLength;
        if (kept == payloadLength && in.writerIndex() < payload + kept + 2) {
            return false;
        }
        byte[] bytes = new byte[(int) nameLength + kept];
        in.getBytes(name, bytes, 0, (int) nameLength);
        in.getBytes(payload, bytes, (int) nameLength, kept);
        skip(in, payload, payloadLength);
        receiver.accept(new Publication(bytes, (int) nameLength, (int) payloadLength, now));
        return true;
    }

    /** Skips a bulk string that may be incomplete. */
    private void skip(ByteBuf in, int from, long length) {
        skip = length + 2;
        int here = (int) Math.min(skip, in.writerIndex() - from);
        in.readerIndex(from + here);
        skip -= here;
    }
}
