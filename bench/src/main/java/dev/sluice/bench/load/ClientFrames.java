package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/** WebSocket frames as clients send them: masked, here with a key of zeros, which changes nothing. */
final class ClientFrames {

    private static final int FIN_TEXT = 0x81;
    private static final int FIN_PONG = 0x8a;
    private static final int MASKED = 0x80;

    private ClientFrames() {}

    static ByteBuf text(String text) {
        byte[] payload = text.getBytes(StandardCharsets.UTF_8);
        ByteBuf frame = Unpooled.buffer(payload.length + 8);
        frame.writeByte(FIN_TEXT);
        if (payload.length < 126) {
            frame.writeByte(MASKED | payload.length);
        } else {
            frame.writeByte(MASKED | 126).writeShort(payload.length);
        }
        return frame.writeInt(0).writeBytes(payload);
    }

    /** Empty; servers that check what comes back send empty pings. */
    static ByteBuf pong() {
        return Unpooled.buffer(6).writeByte(FIN_PONG).writeByte(MASKED).writeInt(0);
    }
}
