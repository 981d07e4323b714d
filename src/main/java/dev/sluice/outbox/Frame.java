package dev.sluice.outbox;

import java.nio.charset.StandardCharsets;

/** What is written to a connection at once: one WebSocket message, or several. Shared by all who receive it. */
public sealed interface Frame permits Frame.Text, Frame.Ping, Frame.Pong, PublicationBatch, ReplayBatch {

    /**
     * What a frame that waits to be written costs in memory besides its bytes: Netty puts its own entry at 96 bytes, and
     * buffer and promise come to about as much.
     */
    int OVERHEAD = 192;

    /** Bytes on the wire, those of the WebSocket headers included. */
    int length();

    /** Bytes of memory it is charged for while it waits to be written. */
    default int cost() {
        return length() + OVERHEAD;
    }

    /**
     * Its part of the memory that is used: less than {@link #cost} where several connections of an event loop share the
     * bytes.
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

    /** A WebSocket ping without payload, answered by the peer's WebSocket implementation rather than its code. */
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

    /** How long a message of so many bytes is with the header of its one WebSocket frame, as a server sends it. */
    static int encodedLength(int bytes) {
        return bytes + (bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10);
    }
}
