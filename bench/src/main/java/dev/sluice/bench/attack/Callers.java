package dev.sluice.bench.attack;

import dev.sluice.bench.attack.Attackers.Attacker;
import dev.sluice.bench.contender.Contender.Credentials;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;

/** Attacks on the HTTP API. */
final class Callers {

    /** How many bodies all attackers together keep from ending. */
    static final int SLOW = 1_000;

    /** Requests that one attacker sends before it awaits an answer. */
    static final int PIPELINED = 8;

    private static final int ON_ONE_CONNECTION = 100;

    private static final String PUBLISHER = Credentials.of("attacker", "publisher");
    private static final String MESSAGE = "{\"text\":\"" + "x".repeat(180) + "\"}";

    private static final List<String> WITHOUT_RIGHT = List.of(
            post("/api/channels/upload:0/messages", "Bearer " + Strangers.forged(), MESSAGE),
            post("/api/channels/upload:0/messages", "Bearer nonsense", MESSAGE),
            post("/api/channels/upload:0/messages", "Basic Og==", MESSAGE),
            post("/api/channels/upload:0/messages", "Bearer " + Credentials.of("attacker"), MESSAGE),
            post("/api/uploads/0/events", "Bearer " + Credentials.of("attacker", "operator"), MESSAGE),
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

    private Callers() {}

    static void withoutRight(Attacker by) throws IOException {
        ask(by, WITHOUT_RIGHT);
    }

    static void rubbish(Attacker by) throws IOException {
        ask(by, RUBBISH);
    }

    static void publish(Attacker by) throws IOException {
        try (RawSocket socket = by.connect()) {
            for (int round = 0; round < ON_ONE_CONNECTION && !by.isOver(); round++) {
                socket.say(PUBLISH);
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
        Strangers.drip(by, SLOW / Attack.CROWD, begin);
    }

    static void pipelined(Attacker by) throws IOException {
        String many = "GET /nothing HTTP/1.1\r\nHost: pod\r\n\r\n".repeat(MANY);
        try (RawSocket socket = by.connect()) {
            while (!by.isOver()) {
                socket.say(many);
                by.tally().did(MANY);
            }
        }
    }

    static void endlessBodies(Attacker by) throws IOException {
        try (RawSocket socket = by.connect()) {
            by.tally().did(1);
            socket.say("POST /api/channels/user:nobody/messages HTTP/1.1\r\nHost: pod\r\nAuthorization: Bearer "
                    + PUBLISHER + "\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < CHUNKS && !by.isOver(); i++) {
                socket.say(CHUNK);
            }
            by.tally().answered(socket.status());
        }
    }

    static void malformed(Attacker by) throws IOException {
        try (RawSocket socket = by.connect()) {
            by.tally().did(1);
            socket.say(MALFORMED.get(by.round() % MALFORMED.size()));
            by.tally().answered(socket.status());
        }
    }

    /** One after the other over one connection, as long as the pod leaves it open. */
    private static void ask(Attacker by, List<String> requests) throws IOException {
        try (RawSocket socket = by.connect()) {
            for (int i = 0; i < ON_ONE_CONNECTION && !by.isOver(); i++) {
                socket.say(requests.get(by.round() % requests.size()));
                by.tally().did(1);
                by.tally().answered(socket.status());
            }
        }
    }

    private static String post(String path, String authorization, String body) {
        return "POST " + path + " HTTP/1.1\r\nHost: pod\r\nAuthorization: " + authorization
                + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static String get(String path, String authorization) {
        return "GET " + path + " HTTP/1.1\r\nHost: pod\r\nAuthorization: " + authorization + "\r\n\r\n";
    }
}
