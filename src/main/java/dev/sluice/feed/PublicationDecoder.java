package dev.sluice.feed;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * Extracts publications from the bytes of a Redis connection, and passes everything else on to the Redis client. The
 * client's own parser allocates some twenty objects per message, this one a single array, because most messages have no
 * listener. The publications of one read form a batch, or several: a message of another kind, also one on a channel of
 * Sluice's own, ends a batch, so that Redis's order is kept. An oversized payload is skipped as it arrives, and never
 * buffered. The bytes are copied into an array first, because a compiler without a profile, as in a native executable,
 * calls a dozen methods for each look into a {@link ByteBuf}. Confined to the connection's event loop.
 */
final class PublicationDecoder extends ChannelInboundHandlerAdapter {

    /** As most processors order bytes; a compiler without a profile calls a method to reverse them. */
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** As much as Netty reads at once. */
    private static final int INITIAL_BYTES = 64 * 1024;

    /** {@code *4} or, in RESP3, {@code >4}, then the length of "pmessage"; without its first byte. */
    private static final long START = Long.reverseBytes(0x0034_0D0A_2438_0D0AL);

    private static final long WITHOUT_FIRST_BYTE = Long.reverseBytes(0x00FF_FFFF_FFFF_FFFFL);

    /** "pmessage". */
    private static final long PMESSAGE = Long.reverseBytes(0x706D_6573_7361_6765L);

    /** Offset of the length of the pattern: {@code *4 CRLF $8 CRLF pmessage CRLF $}. */
    private static final int PATTERN_LENGTH_AT = 19;

    /** {@code *3} or {@code >3}, then the length of "message"; without its first byte. */
    private static final long NAMED_START = Long.reverseBytes(0x0033_0D0A_2437_0D0AL);

    /** "message" and the CR of its line. */
    private static final long MESSAGE = Long.reverseBytes(0x6D65_7373_6167_650DL);

    /** Offset of the channel of a message on a channel subscribed to by name: {@code *3 CRLF $7 CRLF message CRLF}. */
    private static final int NAMED_AT = 17;

    /** {@code *3} or {@code >3}, then the length of "smessage"; without its first byte. */
    private static final long SHARDED_START = Long.reverseBytes(0x0033_0D0A_2438_0D0AL);

    /** "smessage". */
    private static final long SMESSAGE = Long.reverseBytes(0x736D_6573_7361_6765L);

    /** Offset of the channel of a message of sharded pub/sub: {@code *3 CRLF $8 CRLF smessage CRLF}. */
    private static final int SHARDED_AT = 18;

    /** Prefix of Sluice's own channels. The Redis client subscribes to others, on sentinels. */
    private static final byte[] OWN = "sluice:".getBytes(StandardCharsets.US_ASCII);

    /** In bytes; pods send less. */
    static final int MAX_NAMED_PAYLOAD = 16 * 1024;

    /** In bytes; no route has channels with longer names. */
    private static final int MAX_NAME = 1024;

    private static final int INCOMPLETE = RespReader.INCOMPLETE;

    private final RespReader resp = new RespReader();
    private final int maxPayload;
    private final List<byte[]> prefixes;
    private final Consumer<List<Publication>> published;
    private final Consumer<Publication> named;

    /**
     * The publications of the current read. The receiver keeps the list, so each batch is a new one. Not a {@link List},
     * because calls by an interface cost more.
     */
    private ArrayList<Publication> batch = new ArrayList<>();

    /** What has been read and not decoded, between start and limit. It grows to the longest message that is kept. */
    private byte[] in = new byte[INITIAL_BYTES];

    private int start;
    private int limit;
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
     * @param prefixes what precedes the colon in the names of channels that are subscribed to by name
     * @param published receives the publications of one read on channels that match a pattern or have one of the prefixes,
     *     in order and at least one, on the event loop; must not throw
     * @param named receives each message on a channel of Sluice's own, in order with the batches, on the event loop; a
     *     payload larger than {@link #MAX_NAMED_PAYLOAD} is left out; must not throw
     */
    PublicationDecoder(
            int maxPayload, List<String> prefixes, Consumer<List<Publication>> published, Consumer<Publication> named) {
        this.maxPayload = maxPayload;
        this.prefixes = prefixes.stream()
                .map(prefix -> (prefix + ":").getBytes(StandardCharsets.US_ASCII))
                .toList();
        this.published = published;
        this.named = named;
    }

    /** Returns the number of publications read, including those that are dropped. */
    long messages() {
        return messages;
    }

    /** Passes nothing on from now on, not even what has been read already. */
    void stop() {
        stopped = true;
        batch.clear();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof ByteBuf read) {
            try {
                while (read.isReadable()) {
                    append(read);
                    decode(context);
                }
            } finally {
                read.release();
            }
        } else {
            context.fireChannelRead(message);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        endBatch();
        context.fireChannelReadComplete();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        endBatch();
        context.fireChannelInactive();
    }

    /** Copies as much as there is room for; if a message fills the array, the array grows. */
    private void append(ByteBuf read) {
        int rest = limit - start;
        if (rest == 0) {
            int skipped = (int) Math.min(skip, read.readableBytes());
            read.skipBytes(skipped);
            skip -= skipped;
        }
        byte[] to = rest == in.length ? new byte[2 * in.length] : in;
        System.arraycopy(in, start, to, 0, rest);
        in = to;
        start = 0;
        limit = rest + Math.min(read.readableBytes(), in.length - rest);
        read.readBytes(in, rest, limit - rest);
    }

    private void endBatch() {
        if (!batch.isEmpty()) {
            List<Publication> ended = batch;
            batch = new ArrayList<>(ended.size());
            published.accept(ended);
        }
    }

    private void decode(ChannelHandlerContext context) {
        long now = System.nanoTime();
        boolean decoded = true;
        while (decoded && start < limit && !stopped) {
            if (skip > 0) {
                skipArrived();
            } else if (nameless) {
                decoded = payloadWithoutName(now);
            } else if (isPublication()) {
                decoded = publication(now);
            } else if (isNamed(NAMED_AT, NAMED_START, MESSAGE)) {
                decoded = named(context, NAMED_AT, now);
            } else if (isNamed(SHARDED_AT, SHARDED_START, SMESSAGE)) {
                decoded = named(context, SHARDED_AT, now);
            } else {
                decoded = passOn(context);
            }
        }
        if (stopped) {
            start = limit;
        }
    }

    /** Passes an element of another kind on to the client; returns false while it is incomplete. */
    private boolean passOn(ChannelHandlerContext context) {
        int end = resp.end(in, start, limit);
        if (end == INCOMPLETE) {
            return false;
        }
        endBatch();
        // A copy, because the client's parser appends to its input.
        ByteBuf element = Unpooled.buffer(end - start).writeBytes(in, start, end - start);
        start = end;
        context.fireChannelRead(element);
        return true;
    }

    private boolean payloadWithoutName(long now) {
        long length = resp.bulkLength(in, start, limit);
        if (length == INCOMPLETE) {
            return false;
        }
        nameless = false;
        skip(resp.next(), length);
        add(new Publication(new byte[0], 0, (int) length, now));
        return true;
    }

    private void add(Publication publication) {
        messages++;
        batch.add(publication);
    }

    private boolean isPublication() {
        return limit - start >= PATTERN_LENGTH_AT
                && (word(start) & WITHOUT_FIRST_BYTE) == START
                && word(start + Long.BYTES) == PMESSAGE;
    }

    /**
     * Whether this is a message on a channel that was subscribed to by name. Also returns false while too few bytes have
     * arrived; the message is then incomplete.
     */
    private boolean isNamed(int at, long first, long second) {
        return limit - start > at
                && (word(start) & WITHOUT_FIRST_BYTE) == first
                && word(start + Long.BYTES) == second
                && resp.bulkLength(in, start + at, limit) != INCOMPLETE;
    }

    /** Reads a message whose channel begins at the offset, if the channel has one of the prefixes. */
    private boolean named(ChannelHandlerContext context, int at, long now) {
        if (begins(OWN)) {
            endBatch();
            return message(start + at, MAX_NAMED_PAYLOAD, true, now);
        }
        return beginsWithPrefix() ? message(start + at, maxPayload, false, now) : passOn(context);
    }

    /** Whether the name after the length that was read last begins with these bytes, which have arrived. */
    private boolean begins(byte[] prefix) {
        int name = resp.next();
        return limit >= name + prefix.length && Arrays.equals(in, name, name + prefix.length, prefix, 0, prefix.length);
    }

    private boolean beginsWithPrefix() {
        for (byte[] prefix : prefixes) {
            if (begins(prefix)) {
                return true;
            }
        }
        return false;
    }

    private long word(int at) {
        return (long) LONGS.get(in, at);
    }

    /** Reads pattern, name and payload; returns false while they are incomplete. */
    private boolean publication(long now) {
        long pattern = resp.length(in, start + PATTERN_LENGTH_AT, limit);
        return pattern != INCOMPLETE && message(resp.next() + (int) pattern + 2, maxPayload, false, now);
    }

    /**
     * Reads name and payload, where the name begins at the index; returns false while they are incomplete.
     *
     * @param own whether the channel is Sluice's own
     */
    private boolean message(int at, int max, boolean own, long now) {
        long nameLength = resp.bulkLength(in, at, limit);
        if (nameLength == INCOMPLETE) {
            return false;
        }
        int name = resp.next();
        if (nameLength > MAX_NAME) {
            skip(name, nameLength);
            nameless = true;
            return true;
        }
        long payloadLength = resp.bulkLength(in, name + (int) nameLength + 2, limit);
        if (payloadLength == INCOMPLETE) {
            return false;
        }
        int payload = resp.next();
        int kept = payloadLength > max ? 0 : (int) payloadLength;
        if (kept == payloadLength && limit < payload + kept + 2) {
            return false;
        }
        byte[] bytes = new byte[(int) nameLength + kept];
        System.arraycopy(in, name, bytes, 0, (int) nameLength);
        System.arraycopy(in, payload, bytes, (int) nameLength, kept);
        if (kept == payloadLength) {
            start = payload + kept + 2;
        } else {
            skip(payload, payloadLength);
        }
        Publication publication = new Publication(bytes, (int) nameLength, (int) payloadLength, now);
        if (own) {
            named.accept(publication);
        } else {
            add(publication);
        }
        return true;
    }

    /** Skips a bulk string that may be incomplete. */
    private void skip(int from, long length) {
        start = from;
        skip = length + 2;
        skipArrived();
    }

    private void skipArrived() {
        int here = (int) Math.min(skip, limit - start);
        start += here;
        skip -= here;
    }
}
