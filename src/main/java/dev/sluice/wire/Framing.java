package dev.sluice.wire;

import io.netty.buffer.ByteBuf;

/** How the messages of a connection are delimited. */
enum Framing {

    /** Each message is an unmasked frame (RFC 6455, 5.2). */
    WEB_SOCKET {
        @Override
        void append(ByteBuf to, int opcode, byte[] message) {
            // Each write into a buffer is a dozen calls without a profile.
            int first = FINAL | opcode;
            if (message.length < 126) {
                to.writeShort(first << 8 | message.length);
            } else if (message.length < 65_536) {
                to.writeInt(first << 24 | 126 << 16 | message.length);
            } else {
                to.writeShort(first << 8 | 127).writeLong(message.length);
            }
            to.writeBytes(message);
        }
    },

    /** Each message is a chunk of a response (RFC 9112, 7.1). */
    CHUNK {
        @Override
        void append(ByteBuf to, int opcode, byte[] message) {
            // An empty chunk would end the response.
            if (message.length > 0) {
                int digits = (Integer.SIZE - Integer.numberOfLeadingZeros(message.length) + 3) / 4;
                for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
                    to.writeByte(Character.forDigit(message.length >>> shift & 0xf, 16));
                }
                to.writeShort(CRLF).writeBytes(message).writeShort(CRLF);
            }
        }

        @Override
        int extra() {
            return 4;
        }
    };

    static final int TEXT = 1;
    static final int BINARY = 2;
    static final int PING = 9;
    static final int PONG = 10;

    private static final int FINAL = 0x80;
    private static final int CRLF = '\r' << 8 | '\n';

    /**
     * Appends a message.
     *
     * @param opcode its kind, as in WebSocket frames
     */
    abstract void append(ByteBuf to, int opcode, byte[] message);

    /** The most bytes by which a message is longer than as a WebSocket frame. */
    int extra() {
        return 0;
    }
}
