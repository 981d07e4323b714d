package dev.sluice.outbox;

import dev.sluice.clock.EntryId;
import dev.sluice.clock.Position;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One or several messages that are written to a connection at once, for example publications. All receivers share it.
 */
public sealed interface Frame
        permits Frame.Text, Frame.Mark, Frame.Missed, Frame.Ping, Frame.Pong, PublicationBatch, ReplayBatch {

    /**
     * Memory of a waiting frame besides its bytes: Netty counts 96 bytes for its own entry, and buffer and promise take
     * about as much.
     */
    int OVERHEAD = 192;

    /** The bytes on a WebSocket, including headers. */
    int length();

    /** The bytes of memory that are charged while the frame waits to be written. */
    default int cost() {
        return length() + OVERHEAD;
    }

    /**
     * The frame's share of the memory: less than {@link #cost} if several connections of an event loop share the bytes.
     */
    default int share() {
        return cost();
    }

    /**
     * A text message of Sluice's own.
     *
     * @param utf8 the message; never modified
     */
    // Two frames are never compared.
    @SuppressWarnings("ArrayRecordComponent")
    record Text(byte[] utf8) implements Frame {
        @Override
        public int length() {
            return encodedLength(utf8.length);
        }
    }

    /**
     * Tells a client up to where it has received everything. Each connection may have its own form of it, for which the
     * message is then only the beginning.
     *
     * @param message what precedes the position; never modified
     * @param position the position as a message
     * @param at the position; {@code null} if it is unknown or unchanged
     * @param entries the last entries of streams, as far as they are known and have changed
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Mark(byte[] message, byte[] position, @Nullable Position at, Map<Channel, EntryId> entries)
            implements Frame {
        @Override
        public int length() {
            return encodedLength(message.length) + encodedLength(position.length);
        }
    }

    /** Tells a slow client how many publications of a channel it has missed, see {@link PublicationFormat#missed}. */
    record Missed(Channel channel, int count) implements Frame {

        /** The longest notice without the channel's name, of which one byte may become six characters. */
        private static final int LONGEST = 96;

        /** Returns the most memory that a notice takes, in bytes. */
        static int maxCost(Channel channel) {
            return maxLength(channel) + OVERHEAD;
        }

        private static int maxLength(Channel channel) {
            return encodedLength(LONGEST + 6 * channel.length());
        }

        /** At most. */
        @Override
        public int length() {
            return maxLength(channel);
        }
    }

    /** A WebSocket ping without payload, which the client's WebSocket implementation answers, not its code. */
    record Ping() implements Frame {
        @Override
        public int length() {
            return encodedLength(0);
        }
    }

    /**
     * The answer to a WebSocket ping.
     *
     * @param bytes what the ping carried, at most 125 bytes; never modified
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Pong(byte[] bytes) implements Frame {
        @Override
        public int length() {
            return encodedLength(bytes.length);
        }
    }

    /** A text message of Sluice's own. */
    static Frame text(String text) {
        return new Text(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns the length of a message of that many bytes with the header of one WebSocket frame of a server. */
    static int encodedLength(int bytes) {
        return bytes + (bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10);
    }
}
