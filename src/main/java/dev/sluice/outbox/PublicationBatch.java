package dev.sluice.outbox;

import dev.sluice.route.Channel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Publications of one channel that came one after another and are written at once. It grows while it is being gathered,
 * by one thread; whoever it is handed to then only reads it.
 */
public final class PublicationBatch implements Frame {

    /**
     * The header without the channel's name, in which one byte may become six characters: the names of its fields, a position
     * of at most 96 characters, and what a longer message adds to its frame.
     */
    private static final int LONGEST_HEADER = "{'channel':'','pos':''}.".length() + 96 + 8;

    private final Channel channel;
    private final boolean late;
    private Payload[] payloads;
    private int count = 1;
    private int bytes;
    private int receivers = 1;

    /** A run of one. */
    public PublicationBatch(Channel channel, Payload first) {
        this(channel, first, false);
    }

    private PublicationBatch(Channel channel, Payload first, boolean late) {
        this.channel = channel;
        this.late = late;
        this.payloads = new Payload[] {first};
        this.bytes = Frame.encodedLength(first.bytes().length);
    }

    /** One that may come after newer ones of other channels. */
    public static PublicationBatch late(Channel channel, Payload payload) {
        return new PublicationBatch(channel, payload, true);
    }

    /** How many bytes a header adds to a publication of the channel at most. */
    public static int maxHeader(Channel channel) {
        return LONGEST_HEADER + 6 * channel.length();
    }

    /** How many bytes headers add at most. */
    public int maxHeaders() {
        return count * maxHeader(channel);
    }

    /** Whether it may come after newer ones of other channels. */
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

    /** What was published after the one with that sequence; {@code null} where nothing was. */
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

    /** Where it was published. */
    public Channel channel() {
        return channel;
    }

    /** How many publications there are, at least one. */
    public int count() {
        return count;
    }

    /** One of them, in order of publication. */
    public Payload get(int index) {
        return payloads[index];
    }

    /** The oldest. */
    public Payload first() {
        return payloads[0];
    }

    /** The newest. */
    public Payload last() {
        return payloads[count - 1];
    }

    /** How many bytes the payloads have together. */
    public long payloadBytes() {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += payloads[i].bytes().length;
        }
        return sum;
    }

    /** It is about to be sent to so many connections of one event loop, at least one, which share its bytes. */
    public void sharedBy(int connections) {
        receivers = connections;
    }

    /** How many connections share its bytes. */
    int receivers() {
        return receivers;
    }

    @Override
    public int length() {
        return bytes;
    }

    @Override
    public int share() {
        return OVERHEAD + bytes / receivers;
    }
}
