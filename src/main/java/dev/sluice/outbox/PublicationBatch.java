package dev.sluice.outbox;

import dev.sluice.route.Channel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Successive publications of one channel that are written at once. One thread builds it; after it is handed over,
 * threads only read it.
 */
public final class PublicationBatch implements Frame {

    /**
     * The longest header without the channel's name: its field names, a position of at most 96 characters, and the
     * additional bytes of a longer frame header. In the name, one byte may become six characters.
     */
    private static final int LONGEST_HEADER = "{'channel':'','pos':''}.".length() + 96 + 8;

    private final Channel channel;
    private final boolean late;
    private Payload[] payloads;
    private int count = 1;
    private int bytes;
    private int receivers = 1;

    /** What was computed by {@link #overhead}. */
    private @Nullable Overhead overheads;

    private record Overhead(
            PublicationFormat format, int bytes, @Nullable Overhead others) {}

    /** Creates a run of one publication. */
    public PublicationBatch(Channel channel, Payload first) {
        this(channel, first, false);
    }

    private PublicationBatch(Channel channel, Payload first, boolean late) {
        this.channel = channel;
        this.late = late;
        this.payloads = new Payload[] {first};
        this.bytes = Frame.encodedLength(first.bytes().length);
    }

    /** Creates a run that may follow newer publications of other channels. */
    public static PublicationBatch late(Channel channel, Payload payload) {
        return new PublicationBatch(channel, payload, true);
    }

    /** Returns the most bytes that a header adds to a publication of the channel. */
    public static int maxHeader(Channel channel) {
        return LONGEST_HEADER + 6 * channel.length();
    }

    /** Returns the length with one publication more and headers of {@link #maxHeader}. */
    public int lengthWith(Payload next) {
        return bytes + Frame.encodedLength(next.bytes().length) + (count + 1) * maxHeader(channel);
    }

    /**
     * Returns the most bytes that the format adds to the {@link #length}. Computed once for all receivers; to be called
     * on their event loop.
     */
    public int overhead(PublicationFormat format) {
        for (Overhead known = overheads; known != null; known = known.others) {
            if (known.format.equals(format)) {
                return known.bytes;
            }
        }
        int sum = 0;
        for (int i = 0; i < count; i++) {
            sum += format.overhead(channel, payloads[i]);
        }
        overheads = new Overhead(format, sum, overheads);
        return sum;
    }

    /** Whether the batch may follow newer publications of other channels. */
    boolean isLate() {
        return late;
    }

    /** Adds the next publication of the same channel. */
    public void add(Payload next) {
        if (count == payloads.length) {
            payloads = Arrays.copyOf(payloads, count * 4);
        }
        payloads[count++] = next;
        bytes += Frame.encodedLength(next.bytes().length);
    }

    /** Returns the publications after the given sequence; {@code null} if there are none. */
    public @Nullable PublicationBatch after(long sequence) {
        if (first().sequence() > sequence) {
            return this;
        }
        PublicationBatch rest = null;
        for (int i = 0; i < count; i++) {
            if (payloads[i].sequence() > sequence) {
                if (rest == null) {
                    rest = new PublicationBatch(channel, payloads[i]);
                } else {
                    rest.add(payloads[i]);
                }
            }
        }
        return rest;
    }

    /** The channel of the publications. */
    public Channel channel() {
        return channel;
    }

    /** The number of publications, at least one. */
    public int count() {
        return count;
    }

    /** Returns a publication, in order. */
    public Payload get(int index) {
        return payloads[index];
    }

    /** The oldest publication. */
    public Payload first() {
        return payloads[0];
    }

    /** The newest publication. */
    public Payload last() {
        return payloads[count - 1];
    }

    /** The bytes of all payloads. */
    public long payloadBytes() {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += payloads[i].bytes().length;
        }
        return sum;
    }

    /** Sets the number of connections of one event loop, at least one, that will share the bytes. */
    public void sharedBy(int connections) {
        receivers = connections;
    }

    /** The number of connections that share the bytes. */
    public int receivers() {
        return receivers;
    }

    @Override
    public int length() {
        return bytes;
    }

    @Override
    public int share() {
        return OVERHEAD + (receivers == 1 ? bytes : bytes / receivers);
    }
}
