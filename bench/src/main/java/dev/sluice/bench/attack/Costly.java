package dev.sluice.bench.attack;

import dev.sluice.harness.RawClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Messages as large as they may be, whose text takes two bytes a character, and whose values cost more than their text. */
final class Costly {

    /** Just as many as a client may send at once. */
    static final int BURST = 504;

    /** Just as many as a client may send behind its token. */
    static final int HELD = 63;

    private static final int AT_ONCE = 9;

    private static final byte[] MESSAGES = messages();

    private Costly() {}

    /**
     * Sends so many messages, a few at a time, until it is cut off or told to stop.
     *
     * @return whether it has sent any, so that an answer will come
     */
    static boolean say(RawSocket socket, Attacker by, int times) throws IOException {
        try {
            int said = 0;
            for (; said < times && !by.isOver(); said += AT_ONCE) {
                socket.say(MESSAGES);
                by.tally().did(AT_ONCE);
            }
            return said > 0;
        } catch (IOException cutOff) {
            by.tally().answered(socket.closeCode());
            throw cutOff;
        }
    }

    private static byte[] messages() {
        String text = "{\"a\":[\"\u0439\"" + ",{}".repeat(10_000) + "]}";
        return RawClient.encoded(RawSocket.FINAL_TEXT, text.getBytes(StandardCharsets.UTF_8), AT_ONCE);
    }
}
