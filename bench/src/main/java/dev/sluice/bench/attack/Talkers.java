package dev.sluice.bench.attack;

import dev.sluice.bench.attack.Attackers.Attacker;
import dev.sluice.bench.trial.Traffic.Load;
import dev.sluice.harness.RawClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Attacks by those who have a token, and say what they should not. */
final class Talkers {

    private static final int AT_ONCE = 100;

    /** As many channels as a message may name. */
    private static final int CHANNELS = 256;

    private static final byte[] PONGS = frames(RawSocket.FINAL_TEXT, "{\"action\":\"pong\"}");
    private static final byte[] PINGS = frames(RawSocket.FINAL_PING, "x".repeat(125));

    /** Each makes the pod say as much as a message can. */
    private static final byte[] QUESTIONS = frames(
            RawSocket.FINAL_TEXT,
            "{\"action\":\"subscribe\",\"id\":\"" + "\\u0001".repeat(1024) + "\",\"channels\":[\"x\""
                    + ",\"x\"".repeat(CHANNELS - 1) + "]}");

    /** The head of a message of 2^62 bytes, and some of them. */
    private static final byte[] TOO_LARGE = tooLarge();

    private Talkers() {}

    static void pongs(Attacker by) throws IOException {
        flood(by, PONGS);
    }

    static void pings(Attacker by) throws IOException {
        flood(by, PINGS);
    }

    static void questions(Attacker by) throws IOException {
        flood(by, QUESTIONS);
    }

    static void costlyMessages(Attacker by) throws IOException {
        try (RawSocket socket = by.authenticated()) {
            // Without a message there would be no answer to wait for: the pod would end the connection for its silence.
            if (Costly.say(socket, by, Costly.BURST)) {
                by.tally().answered(socket.heard().contains("bad_message") ? "bad_message" : "otherwise");
            }
        }
    }

    static void tooLarge(Attacker by) throws IOException {
        try (RawSocket socket = by.authenticated()) {
            by.tally().did(1);
            socket.say(TOO_LARGE);
            by.tally().answered(socket.closeCode());
        }
    }

    /** About as many channels at once as may be, all of them new. */
    static void undecided(Attacker by) throws IOException {
        try (RawSocket socket = by.authenticated()) {
            long first = ThreadLocalRandom.current().nextLong(Long.MAX_VALUE / 2);
            socket.message(IntStream.range(0, CHANNELS)
                    .mapToObj(i -> "\"asked:" + (first + i) + "\"")
                    .collect(Collectors.joining(",", "{\"action\":\"subscribe\",\"channels\":[", "]}")));
            by.tally().did(CHANNELS);
            for (int i = 0; i < CHANNELS && !by.isOver(); i++) {
                by.tally().answered(socket.heard().contains("\"unavailable\"") ? "unavailable" : "otherwise");
            }
        }
    }

    /** Until it is cut off, or told to stop. */
    private static void flood(Attacker by, byte[] frames) throws IOException {
        try (RawSocket socket = by.authenticated()) {
            try {
                while (!by.isOver()) {
                    socket.say(frames);
                    by.tally().did(AT_ONCE);
                }
            } catch (IOException cutOff) {
                by.tally().answered(socket.closeCode());
            }
        }
    }

    private static byte[] frames(int first, String payload) {
        return RawClient.encoded(first, payload.getBytes(StandardCharsets.US_ASCII), AT_ONCE);
    }

    private static byte[] tooLarge() {
        byte[] bytes = new byte[64 * 1024];
        bytes[0] = (byte) RawSocket.FINAL_TEXT;
        bytes[1] = (byte) 0xff;
        bytes[2] = 0x40;
        return bytes;
    }

    /** Messages as large as they may be, whose text takes two bytes a character, and whose values cost more than their text. */
    static final class Costly {

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

    /** Those who were here before, and all come back at once for what they have missed. */
    static final class Resumers {

        /** How long they have been away when the first of them come back. */
        static final Duration ABSENCE = Duration.ofSeconds(60);

        /** Channels that the others hear. */
        private static final int UPLOADS = Load.UPLOADS;

        private static final String SUBPROTOCOL = "Sec-WebSocket-Protocol: sluice.v2\r\n";
        private static final Pattern AT = Pattern.compile("\"at\":\"([^\"]+)\"");
        private static final String MARK = "{\"action\":\"mark\"";

        private Resumers() {}

        /** The position that a client has now. */
        static String position(InetSocketAddress pod) {
            try (Attacker anybody = new Attacker(0, pod, new Attackers.Tally(), "");
                    RawSocket socket = connect(anybody)) {
                socket.message(Attacker.authentication(anybody.token()));
                Matcher at = AT.matcher(socket.heard());
                if (!at.find()) {
                    throw new IllegalStateException("the pod has no positions");
                }
                return at.group(1);
            } catch (IOException e) {
                throw new IllegalStateException("no position", e);
            }
        }

        /** It leaves once it has been sent everything, and is back at once. */
        static void resume(Attacker by) throws IOException {
            try (RawSocket socket = connect(by)) {
                String since = "\"since\":\"" + by.since() + "\"}";
                socket.message("{\"type\":\"auth\",\"token\":\"" + by.token() + "\"," + since);
                socket.message(
                        "{\"action\":\"subscribe\",\"channel\":\"upload:" + by.number() % UPLOADS + "\"," + since);
                for (int answers = 0; answers < 2; ) {
                    String text = socket.heard();
                    if (text.contains("\"recovered\":")) {
                        answers++;
                        by.tally().answered(text.contains("\"recovered\":true") ? "recovered" : "not-recovered");
                    }
                }
                while (!socket.heard().startsWith(MARK)) {
                    by.tally().answered("replayed");
                }
                by.tally().did(1);
            }
        }

        private static RawSocket connect(Attacker by) throws IOException {
            RawSocket socket = by.connect();
            try {
                int status = socket.upgrade(SUBPROTOCOL);
                by.tally().answered(status);
                if (status != RawSocket.SWITCHING_PROTOCOLS) {
                    throw new IOException("no WebSocket");
                }
                return socket;
            } catch (IOException e) {
                socket.close();
                throw e;
            }
        }
    }
}
