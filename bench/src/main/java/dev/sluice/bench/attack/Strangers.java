package dev.sluice.bench.attack;

import dev.sluice.bench.attack.Attackers.Attacker;
import dev.sluice.bench.attack.Attackers.Tally;
import dev.sluice.bench.attack.Talkers.Costly;
import dev.sluice.bench.contender.Contender.Credentials;
import java.io.IOException;

/** Attacks by those who have no token that is any good, before they are anybody. */
final class Strangers {

    /** What all attackers together open, and how fast: slowly enough that nobody is refused for that. */
    static final int SILENT = 10_000;

    static final int SILENT_PER_SECOND = 1_500;

    /** How many all of them together keep open, and how many bytes a second they say on each. */
    static final int SLOW = 2_000;

    private static final int NEWCOMERS_PER_SECOND = 20;

    /** How many TCP connections the pod may have, how many idle ones are tried, and how fast. */
    static final int MAX_CONNECTIONS = 5_000;

    private static final int IDLE = 5_600;
    private static final int IDLE_PER_SECOND = 1_600;

    private static final String TINY = "GET /nothing HTTP/1.1\r\nHost: pod\r\n\r\n";

    private static final String LARGE_HEADER = "Large: " + "x".repeat(1_000_000) + "\r\n\r\n";

    private static final String MANY_HEADERS = "GET / HTTP/1.1\r\n" + "a:\r\n".repeat(4_900);

    private Strangers() {}

    static void silent(Attacker by) throws IOException {
        by.pace((double) SILENT_PER_SECOND / Attack.CROWD);
        if (by.round() < SILENT / Attack.CROWD) {
            by.tally().did(1);
            by.held().add(by.webSocket());
        }
    }

    /** The first of them is a newcomer who behaves well; the others hold on to what is not closed, up to so many. */
    static void silentWaves(Attacker by) throws IOException {
        if (by.number() == 0) {
            newcomer(by);
            return;
        }
        by.pace((double) SILENT_PER_SECOND / (Attack.CROWD - 1));
        by.tally().did(1);
        by.held().add(by.webSocket());
        if (by.held().size() > SILENT / Attack.CROWD) {
            by.held().remove(0).close();
        }
    }

    private static void newcomer(Attacker by) throws IOException {
        by.pace(NEWCOMERS_PER_SECOND);
        String token = Credentials.of(by.user());
        boolean bearer = by.round() % 2 == 0;
        try (RawSocket socket = by.connect()) {
            int status = socket.upgrade(bearer ? "Authorization: Bearer " + token + "\r\n" : "");
            if (status != RawSocket.SWITCHING_PROTOCOLS) {
                // Above the rate of connects, and told to come again.
                by.tally().answered(status);
                return;
            }
            try {
                if (!bearer) {
                    socket.message(Attacker.authentication(token));
                }
                socket.heard();
                by.tally().answered(Tally.WELCOME);
            } catch (IOException closed) {
                by.tally().answered(Tally.TURNED_AWAY);
            }
        }
    }

    /** Opens connections until there are too many, and then asks on the one that has been silent for longest. */
    static void idle(Attacker by) throws IOException {
        by.pace((double) IDLE_PER_SECOND / Attack.CROWD);
        boolean more = by.held().size() < IDLE / Attack.CROWD;
        RawSocket socket = more ? by.connect() : by.held().remove(0);
        try {
            by.tally().did(1);
            socket.say(TINY);
            by.tally().answered(socket.status());
            by.held().add(socket);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    static void comeAndGo(Attacker by) throws IOException {
        by.tally().did(1);
        by.webSocket().close();
    }

    static void forgedTokens(Attacker by) throws IOException {
        try (RawSocket socket = by.webSocket()) {
            by.tally().did(1);
            socket.message(Attacker.authentication(forged()));
            by.tally().answered(socket.closeCode());
        }
    }

    static void costlyMessages(Attacker by) throws IOException {
        try (RawSocket socket = by.webSocket()) {
            Costly.say(socket, by, Costly.BURST);
            by.tally().answered(socket.closeCode());
        }
    }

    static void heldMessages(Attacker by) throws IOException {
        try (RawSocket socket = by.webSocket()) {
            socket.message(Attacker.authentication(Credentials.ofKey("unknown" + by.round(), by.user())));
            Costly.say(socket, by, Costly.HELD);
            by.tally().answered(socket.closeCode());
        }
    }

    static void headersWithoutEnd(Attacker by) throws IOException {
        ask(by, RawSocket.UPGRADE + LARGE_HEADER);
    }

    static void manyHeaders(Attacker by) throws IOException {
        ask(by, MANY_HEADERS);
    }

    private static void ask(Attacker by, String request) throws IOException {
        try (RawSocket socket = by.connect()) {
            by.tally().did(1);
            try {
                socket.say(request);
            } finally {
                by.tally().answered(socket.status());
            }
        }
    }

    static void slowUpgrades(Attacker by) throws IOException {
        drip(by, SLOW / Attack.CROWD, RawSocket.UPGRADE + "Slow: ");
    }

    /** Keeps so many requests open that begin so, each of which gets another byte every second. */
    static void drip(Attacker by, int howMany, String begin) throws IOException {
        by.pace(1);
        for (int i = by.held().size() - 1; i >= 0; i--) {
            if (!grows(by.held().get(i), by.tally())) {
                by.held().remove(i).close();
            }
        }
        while (by.held().size() < howMany) {
            RawSocket socket = by.connect();
            by.held().add(socket);
            by.tally().did(1);
            socket.say(begin);
        }
    }

    /** A token whose signature is none. */
    static String forged() {
        String token = Credentials.of("attacker");
        int signature = token.lastIndexOf('.') + 1;
        return token.substring(0, signature) + "A".repeat(token.length() - signature);
    }

    private static boolean grows(RawSocket socket, Tally tally) {
        try {
            if (socket.isAnswered()) {
                tally.answered(socket.status());
                return false;
            }
            socket.say("x");
            return true;
        } catch (IOException cutOff) {
            return false;
        }
    }
}
