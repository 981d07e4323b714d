package dev.sluice.harness.attack;

import dev.sluice.harness.HttpConnection;
import dev.sluice.harness.attack.Attackers.Attacker;
import dev.sluice.harness.attack.Attackers.Signer;
import dev.sluice.harness.attack.Attackers.Tally;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;

/** Attacks with HTTP requests: on the server itself without a token, and on the API. */
final class HttpAttacks {

    /** The number of TCP connections that the pod may have. */
    static final int MAX_CONNECTIONS = 5_000;

    /** The number of idle connections of all attackers together, and of new ones a second. */
    private static final int IDLE = 5_600;

    private static final int IDLE_PER_SECOND = 1_600;

    /** The number of slow requests of all attackers together. */
    private static final int SLOW_UPGRADES = 2_000;

    private static final int SLOW_BODIES = 1_000;

    /** Requests that an attacker sends before it waits for their answers. */
    private static final int PIPELINED = 8;

    private static final int ON_ONE_CONNECTION = 100;

    private static final String TINY = "GET /nothing HTTP/1.1\r\nHost: pod\r\n\r\n";

    private static final String LARGE_HEADER = HttpConnection.UPGRADE + "Large: " + "x".repeat(1_000_000) + "\r\n\r\n";

    private static final String MANY_HEADERS = "GET / HTTP/1.1\r\n" + "a:\r\n".repeat(4_900);

    private static final String MESSAGE = "{\"text\":\"" + "x".repeat(180) + "\"}";

    /** Placeholders of tokens in requests: of a publisher, an operator, a user without a role, and a forged one. */
    private static final String PUBLISHER = "@publisher@";

    private static final String OPERATOR = "@operator@";
    private static final String NOBODY = "@nobody@";
    private static final String FORGED = "@forged@";

    private static final List<String> WITHOUT_RIGHT = List.of(
            post("/api/channels/upload:0/messages", "Bearer " + FORGED, MESSAGE),
            post("/api/channels/upload:0/messages", "Bearer nonsense", MESSAGE),
            post("/api/channels/upload:0/messages", "Basic Og==", MESSAGE),
            post("/api/channels/upload:0/messages", "Bearer " + NOBODY, MESSAGE),
            post("/api/uploads/0/events", "Bearer " + OPERATOR, MESSAGE),
            get("/api/users/u0/connections", "Bearer " + PUBLISHER));

    private static final List<String> RUBBISH = Stream.concat(
                    Stream.of(
                                    "[".repeat(10_000),
                                    "{\"action\":\"upload_completed\",\"description\":1e99999999999,\"audit_score\":[]}",
                                    "{\"action\":\"upload_failed\",\"" + "x".repeat(20_000) + "\":1}",
                                    "{\"action\":\"upload_progress\",\"payload\":{\"stage\":\"\\ud800\"}}",
                                    "{\"action\":",
                                    "")
                            .map(body -> post("/api/uploads/0/events", "Bearer " + PUBLISHER, body)),
                    Stream.of("sluice:control", "nothing:1", "upload:" + "x".repeat(3_000), "%00", "upload:%ff")
                            .map(channel ->
                                    post("/api/channels/" + channel + "/messages", "Bearer " + PUBLISHER, MESSAGE)))
            .toList();

    private static final String PUBLISH = post("/api/channels/user:nobody/messages", "Bearer " + PUBLISHER, MESSAGE)
            .repeat(PIPELINED);

    /** Requests that {@link #pipelined} sends at once. */
    private static final int MANY = 1_000;

    private static final String CHUNK = "4000\r\n" + "x".repeat(0x4000) + "\r\n";
    private static final int CHUNKS = 2_000;

    private static final List<String> MALFORMED = List.of(
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: [::\r\n\r\n",
            "GET ?x HTTP/1.1\r\nHost: pod\r\n\r\n",
            "GET http://[ HTTP/1.1\r\nHost: pod\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: pod\r\nContent-Length: -1\r\n\r\n",
            "GET /%zz HTTP/1.1\r\nHost: pod\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: pod\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");

    private HttpAttacks() {}

    static void withoutRight(Attacker by) throws IOException {
        ask(by, WITHOUT_RIGHT);
    }

    static void rubbish(Attacker by) throws IOException {
        ask(by, RUBBISH);
    }

    static void publish(Attacker by) throws IOException {
        String posts = signed(PUBLISH, by);
        try (HttpConnection socket = by.connect()) {
            for (int round = 0; round < ON_ONE_CONNECTION && !by.isOver(); round++) {
                socket.send(posts);
                for (int i = 0; i < PIPELINED; i++) {
                    by.tally().answered(socket.status());
                    by.tally().did(1);
                }
            }
        }
    }

    static void slowBodies(Attacker by) throws IOException {
        String begin = "POST /api/channels/user:nobody/messages HTTP/1.1\r\nHost: pod\r\nAuthorization: Bearer "
                + PUBLISHER + "\r\nContent-Length: 200000\r\n\r\nx";
        drip(by, SLOW_BODIES / Attack.CROWD, signed(begin, by));
    }

    static void pipelined(Attacker by) throws IOException {
        String many = TINY.repeat(MANY);
        try (HttpConnection socket = by.connect()) {
            while (!by.isOver()) {
                socket.send(many);
                by.tally().did(MANY);
            }
        }
    }

    static void endlessBodies(Attacker by) throws IOException {
        try (HttpConnection socket = by.connect()) {
            by.tally().did(1);
            String begin = "POST /api/channels/user:nobody/messages HTTP/1.1\r\nHost: pod\r\nAuthorization: Bearer "
                    + PUBLISHER + "\r\nTransfer-Encoding: chunked\r\n\r\n";
            socket.send(signed(begin, by));
            for (int i = 0; i < CHUNKS && !by.isOver(); i++) {
                socket.send(CHUNK);
            }
            by.tally().answered(socket.status());
        }
    }

    static void malformed(Attacker by) throws IOException {
        try (HttpConnection socket = by.connect()) {
            by.tally().did(1);
            socket.send(MALFORMED.get(by.round() % MALFORMED.size()));
            by.tally().answered(socket.status());
        }
    }

    /** Sends one request after the other over one connection until the pod closes it. */
    private static void ask(Attacker by, List<String> requests) throws IOException {
        try (HttpConnection socket = by.connect()) {
            for (int i = 0; i < ON_ONE_CONNECTION && !by.isOver(); i++) {
                socket.send(signed(requests.get(by.round() % requests.size()), by));
                by.tally().did(1);
                by.tally().answered(socket.status());
            }
        }
    }

    /** Opens connections until there are too many, and then sends a request on the one that has been idle longest. */
    static void idle(Attacker by) throws IOException {
        by.pace((double) IDLE_PER_SECOND / Attack.CROWD);
        boolean more = by.held().size() < IDLE / Attack.CROWD;
        HttpConnection socket = more ? by.connect() : by.held().remove(0);
        try {
            by.tally().did(1);
            socket.send(TINY);
            by.tally().answered(socket.status());
            by.held().add(socket);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    static void headersWithoutEnd(Attacker by) throws IOException {
        send(by, LARGE_HEADER);
    }

    static void manyHeaders(Attacker by) throws IOException {
        send(by, MANY_HEADERS);
    }

    private static void send(Attacker by, String request) throws IOException {
        try (HttpConnection socket = by.connect()) {
            by.tally().did(1);
            try {
                socket.send(request);
            } finally {
                by.tally().answered(socket.status());
            }
        }
    }

    static void slowUpgrades(Attacker by) throws IOException {
        drip(by, SLOW_UPGRADES / Attack.CROWD, HttpConnection.UPGRADE + "Slow: ");
    }

    /** Keeps this number of requests open, and sends another byte of each every second. */
    private static void drip(Attacker by, int howMany, String begin) throws IOException {
        by.pace(1);
        for (int i = by.held().size() - 1; i >= 0; i--) {
            if (!grows(by.held().get(i), by.tally())) {
                by.held().remove(i).close();
            }
        }
        while (by.held().size() < howMany) {
            HttpConnection socket = by.connect();
            by.held().add(socket);
            by.tally().did(1);
            socket.send(begin);
        }
    }

    private static boolean grows(HttpConnection socket, Tally tally) {
        try {
            if (socket.isAnswered()) {
                tally.answered(socket.status());
                return false;
            }
            socket.send("x");
            return true;
        } catch (IOException cutOff) {
            return false;
        }
    }

    /** Returns the request with a token in place of the placeholder. */
    private static String signed(String request, Attacker by) {
        return by.requests().computeIfAbsent(request, unsigned -> {
            Signer tokens = by.target().tokens();
            return unsigned.replace(PUBLISHER, tokens.of("attacker", "publisher"))
                    .replace(OPERATOR, tokens.of("attacker", "operator"))
                    .replace(NOBODY, tokens.of("attacker"))
                    .replace(FORGED, by.target().forgedToken());
        });
    }

    private static String post(String path, String authorization, String body) {
        return "POST " + path + " HTTP/1.1\r\nHost: pod\r\nAuthorization: " + authorization
                + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static String get(String path, String authorization) {
        return "GET " + path + " HTTP/1.1\r\nHost: pod\r\nAuthorization: " + authorization + "\r\n\r\n";
    }
}
