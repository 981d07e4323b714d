package dev.sluice.bench.contender;

import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.Entrance.Session.Format;
import dev.sluice.bench.load.Entrance.Session.Step;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.harness.Client;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import dev.sluice.harness.Tokens.NamedKey;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jose4j.jwt.JwtClaims;

/** A server to be measured: how to start it, to connect clients, and to publish. */
public sealed interface Contender permits Sluice, Peer {

    /** Its name on the command line and in the results. */
    String id();

    /** Whether to measure publications without listeners: not if another contender handles them in the same way. */
    default boolean isForUnwanted() {
        return false;
    }

    /** Whether it retains the newest publication of each {@code upload:} channel. */
    default boolean isForRetained() {
        return false;
    }

    /** Whether it refuses clients if too many connect at once. */
    default boolean limitsConnects() {
        return false;
    }

    /** Whether to measure many clients that connect at once. */
    default boolean isForStorms() {
        return limitsConnects();
    }

    /**
     * Starts the server, and returns when it is ready.
     *
     * @param connectsPerSecond the limit of connects a second, if it has one
     * @param logs the folder for its files
     */
    HttpServerProcess start(Redis redis, int connectsPerSecond, Path logs);

    /** The protocol of its publishers. */
    default PublishProtocol protocol() {
        return PublishProtocol.REDIS;
    }

    /** The address to which publishers connect. */
    default InetSocketAddress publishTo(Redis redis, HttpServerProcess server) {
        return redis.address();
    }

    /** The session of a client that receives {@code user:<user>}. */
    Session user(String user);

    /** The session of a client that also receives {@code upload:<upload>}. */
    Session subscriber(String user, String upload);

    /** Whether clients that return get what they missed. */
    default boolean canResume() {
        return false;
    }

    /**
     * Lets a client subscribe to {@link Missed#UPLOAD} and leave, if clients can resume, and publishes there.
     *
     * @return the session of each user, who returns as this client, or else only subscribes
     */
    default Function<String, Session> returning(Redis redis, HttpServerProcess server) {
        return user -> subscriber(user, Missed.UPLOAD);
    }

    /** Requests a garbage collection, if there is a command for that; it may continue after the return. */
    default void collectGarbage(HttpServerProcess server) {}

    /** The sessions of clients that speak a protocol of Sluice. */
    enum ClientProtocol {
        V1,
        V2,
        EVENTS,
        CENTRIFUGE;

        static final String SUBPROTOCOL = "sluice.v2";

        private static final String NO_KNOCK = "";
        private static final String SUBPROTOCOL_HEADER = "Sec-WebSocket-Protocol: " + SUBPROTOCOL;

        /** The session of a client that receives {@code user:<user>}. */
        Session user(String user) {
            return session(Credentials.of(user), "", List.of());
        }

        /** The session of a client that also receives {@code upload:<upload>}. */
        Session subscriber(String user, String upload) {
            Step subscription = this == CENTRIFUGE
                    ? new Step("{\"id\":2,\"subscribe\":{\"channel\":\"upload:" + upload + "\"}}", "\"subscribe\"")
                    : new Step("{\"action\":\"subscribe_upload\",\"upload_id\":\"" + upload + "\"}", "\"subscribed\"");
            return session(Credentials.of(user), "?channel=upload:" + upload, List.of(subscription));
        }

        /**
         * @param query what a stream has in place of messages
         * @param messages that follow the authentication
         */
        private Session session(String token, String query, List<Step> messages) {
            return switch (this) {
                case V1, V2 ->
                    new Session(
                            NO_KNOCK,
                            "/ws",
                            Format.FRAMES,
                            this == V2 ? SUBPROTOCOL_HEADER : "",
                            steps("{\"type\":\"auth\",\"token\":\"" + token + "\"}", "\"auth_success\"", messages));
                case EVENTS ->
                    new Session(
                            NO_KNOCK,
                            "/sse" + query,
                            Format.EVENTS,
                            "Authorization: Bearer " + token,
                            List.of(new Step("", "\"subscribed\"")));
                case CENTRIFUGE ->
                    new Session(
                            NO_KNOCK,
                            "/connection/websocket",
                            Format.REPLIES,
                            "",
                            steps("{\"id\":1,\"connect\":{\"token\":\"" + token + "\"}}", "\"connect\"", messages));
            };
        }

        /** The session of a client of {@code sluice.v2} that was last at this position. */
        static Session resuming(String user, String position) {
            return new Session(
                    NO_KNOCK,
                    "/ws",
                    Format.FRAMES,
                    SUBPROTOCOL_HEADER,
                    List.of(
                            new Step(
                                    "{\"type\":\"auth\",\"token\":\"" + Credentials.of(user) + "\",\"since\":\""
                                            + position + "\"}",
                                    "\"auth_success\""),
                            new Step(
                                    "{\"action\":\"subscribe\",\"channels\":[\"upload:" + Missed.UPLOAD
                                            + "\"],\"since\":\"" + position + "\"}",
                                    "\"recovered\":true"),
                            new Step("", Missed.LAST)));
        }

        private static List<Step> steps(String authentication, String expect, List<Step> more) {
            return Stream.concat(Stream.of(new Step(authentication, expect)), more.stream())
                    .toList();
        }
    }

    /** What returning clients have missed, and how the server says where a client was. */
    final class Missed {

        /** The upload that returning clients listen to. */
        static final String UPLOAD = "storm";

        /** The last publication contains this. */
        static final String LAST = "\"missed\":20,";

        private static final int PUBLICATIONS = 20;
        private static final String FILLER = "x".repeat(170);

        private Missed() {}

        /** The publications, of 200 bytes or a little less. */
        static List<String> publications() {
            return IntStream.rangeClosed(1, PUBLICATIONS)
                    .mapToObj(number -> "{\"missed\":" + number + ",\"p\":\"" + FILLER + "\"}")
                    .toList();
        }

        /** The last answer to a client with this session, which then leaves. */
        static String answer(HttpServerProcess server, Session session, String... subprotocols) {
            URI uri = URI.create("ws://127.0.0.1:" + server.port() + session.path());
            try (Client client = Client.connect(uri, Map.of(), subprotocols)) {
                String heard = "";
                for (Step step : session.steps()) {
                    client.send(step.say());
                    do {
                        heard = client.next();
                    } while (!heard.contains(step.expect()));
                }
                return heard;
            }
        }

        /** The value of the field, a text or a number; the default if the answer does not have it. */
        static String field(String answer, String name, String byDefault) {
            Matcher field = Pattern.compile("\"" + name + "\":\"?([^\",}]+)").matcher(answer);
            return field.find() ? field.group(1) : byDefault;
        }
    }

    /** Tokens that every contender accepts: signed with a secret that all of them have, or with a key if one is set. */
    final class Credentials {

        /** The servers have it too; it protects nothing. */
        static final String SECRET = "the-secret-of-the-benchmarks-is-none-0123456789";

        private static volatile Optional<NamedKey> signingKey = Optional.empty();

        private Credentials() {}

        /** Signs with this key from now on; without a key, with the shared secret. */
        public static void signWith(Optional<NamedKey> key) {
            signingKey = key;
        }

        /** @param groups the user's roles over HTTP */
        public static String of(String user, String... groups) {
            JwtClaims claims = Tokens.claims(user);
            claims.setStringListClaim("groups", List.of(groups));
            return signingKey.map(key -> key.sign(claims)).orElseGet(() -> Tokens.signedWithSecret(claims, SECRET));
        }

        /** A token that names another key than the one it is signed with. */
        public static String ofKey(String keyId, String user) {
            return signingKey.orElseThrow().as(keyId).sign(Tokens.claims(user));
        }
    }
}
