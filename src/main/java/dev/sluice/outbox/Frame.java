package dev.sluice.outbox;

import io.vertx.core.buffer.Buffer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** What is written to a connection as one message; prepared once, shared by all who receive it. Immutable. */
public sealed interface Frame {

    /** Number of payload bytes. */
    int size();

    /**
     * A text message.
     *
     * @param text the message
     * @param size its length in bytes of UTF-8
     * @param receipt told when it has been written
     */
    record Text(String text, int size, Receipt receipt) implements Frame {}

    /**
     * A binary message.
     *
     * @param bytes the message; never modified
     * @param receipt told when it has been written
     */
    record Binary(Buffer bytes, Receipt receipt) implements Frame {
        @Override
        public int size() {
            return bytes.length();
        }
    }

    /** A WebSocket ping without payload, answered by the peer's WebSocket implementation rather than its code. */
    record Ping() implements Frame {
        @Override
        public int size() {
            return 0;
        }

        @Override
        public Receipt receipt() {
            return Receipt.NONE;
        }
    }

    /** Told when the frame has been written. */
    Receipt receipt();

    /** Told of each connection the frame has been written to, on that connection's event loop. */
    @FunctionalInterface
    interface Receipt {
        /** For frames nobody counts. */
        Receipt NONE = bytes -> {};

        /** The kernel took the frame; whether the peer has it is not known. */
        void written(int bytes);
    }

    /** A message of Sluice's own. */
    static Frame control(String text) {
        return new Text(text, text.getBytes(StandardCharsets.UTF_8).length, Receipt.NONE);
    }

    /**
     * The payload as it came: text where it is valid UTF-8, else binary, because a text frame with invalid UTF-8 would
     * make the browser close the connection.
     */
    static Frame payload(Buffer payload, Receipt receipt) {
        try {
            byte[] bytes = payload.getBytes();
            // A new decoder reports malformed input; String's own constructor would replace it.
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            return new Text(text, bytes.length, receipt);
        } catch (CharacterCodingException e) {
            return new Binary(payload, receipt);
        }
    }
}
