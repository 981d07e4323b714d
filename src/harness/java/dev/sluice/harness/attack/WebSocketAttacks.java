package dev.sluice.harness.attack;

import dev.sluice.harness.HttpConnection;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.attack.Attackers.Attacker;
import dev.sluice.harness.attack.Attackers.Tally;
import dev.sluice.harness.attack.Attackers.Target;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Attacks with WebSockets, by attackers without a valid token and by users. */
final class WebSocketAttacks {

    /** The number of silent WebSockets, and of new ones a second; a higher rate would be refused. */
    private static final int SILENT = 10_000;

    private static final int SILENT_PER_SECOND = 1_500;
    private static final int NEW_CLIENTS_PER_SECOND = 20;

    private static final int AT_ONCE = 100;

    /** As many channels as a message may name. */
    private static final int CHANNELS = 256;

    private static final int TEXT = RawClient.FINAL | RawClient.TEXT;
    private static final int PING = RawClient.FINAL | RawClient.PING;

    private static final byte[] PONGS = frames(TEXT, "{\"action\":\"pong\"}");
    private static final byte[] PINGS = frames(PING, "x".repeat(125));

    /** Each causes the largest answers that a message can cause. */
    private static final byte[] QUESTIONS = frames(
            TEXT,
            "{\"action\":\"subscribe\",\"id\":\"" + "\\u0001".repeat(1024) + "\",\"channels\":[\"x\""
                    + ",\"x\"".repeat(CHANNELS - 1) + "]}");

    /** The beginning of a message of 2^62 bytes. */
    private static final byte[] TOO_LARGE = tooLarge();

    private WebSocketAttacks() {}

    static void silent(Attacker by) throws IOException {
        by.pace((double) SILENT_PER_SECOND / Attack.CROWD);
        if (by.round() < SILENT / Attack.CROWD) {
            by.tally().did(1);
            by.held().add(by.webSocket());
        }
    }

    /** The first attacker is a new client with a valid token; the others hold a number of open WebSockets. */
    static void silentWaves(Attacker by) throws IOException {
        if (by.number() == 0) {
            connectAndLeave(by);
            return;
        }
        by.pace((double) SILENT_PER_SECOND / (Attack.CROWD - 1));
        by.tally().did(1);
        by.held().add(by.webSocket());
        if (by.held().size() > SILENT / Attack.CROWD) {
            by.held().remove(0).close();
        }
    }

    private static void connectAndLeave(Attacker by) throws IOException {
        by.pace(NEW_CLIENTS_PER_SECOND);
        String token = by.token();
        boolean bearer = by.round() % 2 == 0;
        try (HttpConnection socket = by.connect()) {
            int status = socket.upgrade(bearer ? "Authorization: Bearer " + token + "\r\n" : "");
            if (status != HttpConnection.SWITCHING_PROTOCOLS) {
                // Above the limit of connects a second.
                by.tally().answered(status);
                return;
            }
            try {
                if (!bearer) {
                    socket.message(Attacker.authentication(token));
                }
                socket.nextMessage();
                by.tally().answered(Tally.WELCOME);
            } catch (IOException closed) {
                by.tally().answered(Tally.TURNED_AWAY);
            }
        }
    }

    static void comeAndGo(Attacker by) throws IOException {
        by.tally().did(1);
        by.webSocket().close();
    }

    static void forgedTokens(Attacker by) throws IOException {
        try (HttpConnection socket = by.webSocket()) {
            by.tally().did(1);
            socket.message(Attacker.authentication(by.target().forgedToken()));
            by.tally().answered(socket.closeCode());
        }
    }

    static void costlyMessagesBeforeAuthentication(Attacker by) throws IOException {
        try (HttpConnection socket = by.webSocket()) {
            Costly.send(socket, by, Costly.BURST);
            by.tally().answered(socket.closeCode());
        }
    }

    static void heldMessages(Attacker by) throws IOException {
        try (HttpConnection socket = by.webSocket()) {
            socket.message(Attacker.authentication(by.target().tokens().ofKey("unknown" + by.round(), by.user())));
            Costly.send(socket, by, Costly.HELD);
            by.tally().answered(socket.closeCode());
        }
    }

    static void pongs(Attacker by) throws IOException {
        flood(by, PONGS);
    }

    static void pings(Attacker by) throws IOException {
        flood(by, PINGS);
    }

    static void questions(Attacker by) throws IOException {
        flood(by, QUESTIONS);
    }

    static void costlyMessagesOfUsers(Attacker by) throws IOException {
        try (HttpConnection socket = by.authenticated()) {
            // Without a message there is no answer.
            if (Costly.send(socket, by, Costly.BURST)) {
                by.tally().answered(socket.nextMessage().contains("bad_message") ? "bad_message" : "otherwise");
            }
        }
    }

    static void tooLarge(Attacker by) throws IOException {
        try (HttpConnection socket = by.authenticated()) {
            by.tally().did(1);
            socket.send(TOO_LARGE);
            by.tally().answered(socket.closeCode());
        }
    }

    /** Subscribes to the most channels that a message may name, all of them new. */
    static void undecided(Attacker by) throws IOException {
        try (HttpConnection socket = by.authenticated()) {
            long first = ThreadLocalRandom.current().nextLong(Long.MAX_VALUE / 2);
            socket.message(IntStream.range(0, CHANNELS)
                    .mapToObj(i -> "\"asked:" + (first + i) + "\"")
                    .collect(Collectors.joining(",", "{\"action\":\"subscribe\",\"channels\":[", "]}")));
            by.tally().did(CHANNELS);
            for (int i = 0; i < CHANNELS && !by.isOver(); i++) {
                by.tally().answered(socket.nextMessage().contains("\"unavailable\"") ? "unavailable" : "otherwise");
            }
        }
    }

    /** Sends until it is cut off or stopped. */
    private static void flood(Attacker by, byte[] frames) throws IOException {
        try (HttpConnection socket = by.authenticated()) {
            try {
                while (!by.isOver()) {
                    socket.send(frames);
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
        bytes[0] = (byte) TEXT;
        bytes[1] = (byte) 0xff;
        bytes[2] = 0x40;
        return bytes;
    }

    /** Messages of the largest size: their text takes two bytes a character, and their values more memory than their text. */
    static final class Costly {

        /** The most that a client may send at once. */
        static final int BURST = 504;

        /** The most that a client may send after its token. */
        static final int HELD = 63;

        private static final int AT_ONCE = 9;

        private static final byte[] MESSAGES = messages();

        private Costly() {}

        /**
         * Sends this number of messages, a few at a time, until it is cut off or stopped.
         *
         * @return whether it has sent any, so that an answer will come
         */
        static boolean send(HttpConnection socket, Attacker by, int times) throws IOException {
            try {
                int said = 0;
                for (; said < times && !by.isOver(); said += AT_ONCE) {
                    socket.send(MESSAGES);
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
            return RawClient.encoded(TEXT, text.getBytes(StandardCharsets.UTF_8), AT_ONCE);
        }
    }

    /** Clients that come back again and again, and resume from an old position. */
    static final class Resumers {

        private static final String SUBPROTOCOL = "Sec-WebSocket-Protocol: sluice.v2\r\n";
        private static final Pattern AT = Pattern.compile("\"at\":\"([^\"]+)\"");
        private static final String MARK = "{\"action\":\"mark\"";

        private Resumers() {}

        /** The current position. */
        static String position(Target target) {
            try (Attacker anybody = new Attacker(0, target, new Tally());
                    HttpConnection socket = anybody.webSocket(SUBPROTOCOL)) {
                socket.message(Attacker.authentication(anybody.token()));
                Matcher at = AT.matcher(socket.nextMessage());
                if (!at.find()) {
                    throw new IllegalStateException("the pod has no positions");
                }
                return at.group(1);
            } catch (IOException e) {
                throw new IllegalStateException("no position", e);
            }
        }

        /** Leaves when it got everything, and comes back at once. */
        static void resume(Attacker by) throws IOException {
            try (HttpConnection socket = by.webSocket(SUBPROTOCOL)) {
                String since = "\"since\":\"" + by.target().since() + "\"}";
                socket.message("{\"type\":\"auth\",\"token\":\"" + by.token() + "\"," + since);
                socket.message("{\"action\":\"subscribe\",\"channel\":\"upload:" + by.number() % Attack.UPLOADS + "\","
                        + since);
                for (int answers = 0; answers < 2; ) {
                    String text = socket.nextMessage();
                    if (text.contains("\"recovered\":")) {
                        answers++;
                        by.tally().answered(text.contains("\"recovered\":true") ? "recovered" : "not-recovered");
                    }
                }
                while (!socket.nextMessage().startsWith(MARK)) {
                    by.tally().answered("replayed");
                }
                by.tally().did(1);
            }
        }
    }
}
