package dev.sluice.bench.trial;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.load.ClientLoop;
import dev.sluice.bench.trial.Listener.Backoff;
import dev.sluice.harness.ResumingClient;
import dev.sluice.harness.Waiting;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/**
 * Clients of both protocols that are told who joins and leaves a channel, and reconnect; and one user who leaves it for good. The methods are
 * for one thread, and block.
 */
public final class Watchers implements AutoCloseable {

    /** The channel, to which clients of {@link Traffic} subscribe as well. */
    public static final String ROOM = "room:all";

    private static final int OF_EACH_PROTOCOL = 4;

    /** The default of {@code sluice.presence.grace}. */
    private static final Duration GRACE = Duration.ofSeconds(15);

    /** For how long events of the last reconnects may come after the grace. */
    private static final Duration AFTERMATH = Duration.ofSeconds(3);

    /** A watcher that was connected for so long since the user left must have been told of that. */
    private static final Duration TOLD_WITHIN = GRACE.plusSeconds(10);

    private static final String LEAVER = "leaver";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ClientLoop loop = new ClientLoop();
    private final Random random;
    private final InetSocketAddress entrance;
    private final Set<String> expected = new TreeSet<>();
    private final List<Watcher> watchers = new ArrayList<>();
    private final Watcher leaver = new Watcher(LEAVER, Dialect.V2);

    /**
     * Clients that have not connected.
     *
     * @param members the number of clients of {@link Traffic} that subscribe to the channel
     */
    public Watchers(InetSocketAddress entrance, int members, Random random) {
        this.entrance = entrance;
        this.random = random;
        expected.add(LEAVER);
        for (int i = 0; i < members; i++) {
            expected.add(Traffic.user(i));
        }
        for (int i = 0; i < OF_EACH_PROTOCOL; i++) {
            for (Dialect dialect : Dialect.values()) {
                Watcher watcher = new Watcher("watcher" + watchers.size(), dialect);
                watchers.add(watcher);
                expected.add(watcher.user);
            }
        }
    }

    /** Connects them, and returns when each knows everybody. */
    public void open() {
        loop.run(() -> {
            leaver.connect();
            watchers.forEach(Watcher::connect);
        });
        awaitEverybody();
        loop.run(() -> watchers.forEach(Watcher::forgetEvents));
    }

    /** The user leaves who does not come back. */
    public void leave() {
        loop.run(() -> {
            leaver.leave();
            for (Watcher watcher : watchers) {
                int connection = watcher.connections;
                loop.eventLoop()
                        .schedule(
                                () -> watcher.stayed = watcher.connections == connection,
                                TOLD_WITHIN.toNanos(),
                                TimeUnit.NANOSECONDS);
            }
        });
        expected.remove(LEAVER);
    }

    /** Waits until the last reconnects can cause no more events, and each watcher knows everybody. */
    public void settle() {
        Waiting.sleep(GRACE.plus(AFTERMATH));
        awaitEverybody();
    }

    /** Waits until each watcher has been told of exactly those who hear the channel. */
    private void awaitEverybody() {
        Waiting.until(
                "each watcher's list",
                () -> loop.call(() -> {
                    watchers.forEach(Watcher::ask);
                    return watchers.stream().allMatch(watcher -> watcher.present.equals(expected));
                }));
    }

    /** What the watchers were told since they knew everybody. */
    public Told told() {
        return loop.call(() -> new Told(
                watchers.size(),
                expected.size(),
                watchers.stream().mapToInt(watcher -> watcher.connections - 1).sum(),
                watchers.stream().mapToInt(watcher -> watcher.joins).sum(),
                watchers.stream()
                        .mapToInt(watcher -> watcher.leaves.size() - watcher.countLeaver())
                        .sum(),
                watchers.stream().mapToInt(Watcher::countLeaver).sum(),
                (int) watchers.stream()
                        .filter(watcher -> watcher.stayed && watcher.countLeaver() == 0)
                        .count(),
                (int) watchers.stream()
                        .filter(watcher -> watcher.countLeaver() > 1)
                        .count()));
    }

    @Override
    public void close() {
        loop.run(() -> {
            leaver.leave();
            watchers.forEach(Watcher::leave);
        });
        loop.close();
    }

    /**
     * What watchers were told.
     *
     * @param users who hear the channel in the end
     * @param reconnects of the watchers
     * @param joins events
     * @param leaves events of users who came back
     * @param leavesOfLeaver events of the user who did not; a watcher that was away then sees that it is not in the list
     * @param untold watchers that got no such event, though they were there
     * @param toldTwice watchers that got more than one
     */
    public record Told(
            int watchers,
            int users,
            int reconnects,
            int joins,
            int leaves,
            int leavesOfLeaver,
            int untold,
            int toldTwice) {}

    private enum Dialect {
        V2("/ws", ResumingClient.SUBPROTOCOL),
        CENTRIFUGE("/connection/websocket", "centrifuge-json");

        private final String path;
        private final String subprotocol;

        Dialect(String path, String subprotocol) {
            this.path = path;
            this.subprotocol = subprotocol;
        }

        List<String> opening(String user) {
            String token = Credentials.of(user);
            return this == V2
                    ? List.of(
                            "{\"type\":\"auth\",\"token\":\"" + token + "\"}",
                            "{\"action\":\"subscribe\",\"channel\":\"" + ROOM + "\",\"presence\":true}")
                    : List.of(
                            "{\"id\":1,\"connect\":{\"token\":\"" + token + "\"}}",
                            "{\"id\":2,\"subscribe\":{\"channel\":\"" + ROOM + "\",\"join_leave\":true}}");
        }

        String question() {
            return this == V2
                    ? "{\"action\":\"presence\",\"channel\":\"" + ROOM + "\"}"
                    : "{\"id\":3,\"presence\":{\"channel\":\"" + ROOM + "\"}}";
        }
    }

    /** A client that reconnects until it leaves. */
    private final class Watcher {

        private static final long ASK_NANOS = 1_000_000_000;

        private final String user;
        private final Dialect dialect;
        private final Backoff backoff;
        private final Set<String> present = new TreeSet<>();
        private final List<String> leaves = new ArrayList<>();
        private int joins;
        private int connections;
        private Optional<Channel> channel = Optional.empty();
        private boolean left;

        /** Whether its connection has outlasted the event of the user who left. */
        private boolean stayed;

        private long asked = System.nanoTime() - ASK_NANOS;

        Watcher(String user, Dialect dialect) {
            this.user = user;
            this.dialect = dialect;
            this.backoff = new Backoff(random);
        }

        void connect() {
            if (!left) {
                new Link().begin(loop.bootstrap(), entrance);
            }
        }

        void leave() {
            left = true;
            channel.ifPresent(Channel::close);
        }

        void forgetEvents() {
            joins = 0;
            leaves.clear();
            connections = 1;
        }

        /** Asks who hears the channel, once a second. */
        void ask() {
            if (System.nanoTime() - asked >= ASK_NANOS) {
                asked = System.nanoTime();
                say(dialect.question());
            }
        }

        int countLeaver() {
            return (int) leaves.stream().filter(LEAVER::equals).count();
        }

        private void say(String text) {
            channel.ifPresent(open -> open.writeAndFlush(new TextWebSocketFrame(text)));
        }

        private void heard(JsonNode message) {
            if (dialect == Dialect.V2) {
                switch (message.path("action").asText()) {
                    case "subscribed" -> backoff.reset();
                    case "ping" -> say("{\"action\":\"pong\"}");
                    case "presence" -> {
                        present.clear();
                        message.path("users").forEach(name -> present.add(name.asText()));
                    }
                    case "join" -> joined(message.path("user").asText());
                    case "leave" -> left(message.path("user").asText());
                    default -> {}
                }
            } else if (message.isEmpty()) {
                say("{}");
            } else if (message.has("subscribe")) {
                backoff.reset();
            } else if (message.has("presence")) {
                present.clear();
                message.path("presence")
                        .path("presence")
                        .forEach(client -> present.add(client.path("user").asText()));
            } else {
                JsonNode push = message.path("push");
                if (push.has("join")) {
                    joined(push.path("join").path("info").path("user").asText());
                } else if (push.has("leave")) {
                    left(push.path("leave").path("info").path("user").asText());
                }
            }
        }

        private void joined(String name) {
            joins++;
            present.add(name);
        }

        private void left(String name) {
            leaves.add(name);
            present.remove(name);
        }

        /** One connection. */
        private final class Link extends WebSocketClient {

            Link() {
                super(dialect.path, Optional.of(dialect.subprotocol));
            }

            @Override
            void opened(Channel opened) {
                channel = Optional.of(opened);
                connections++;
                dialect.opening(user).forEach(Watcher.this::say);
            }

            @Override
            void heard(String text) {
                // A publication has a second line, and clients of Centrifugo get several messages at once.
                for (String line : text.split("\n")) {
                    try {
                        Watcher.this.heard(JSON.readTree(line));
                    } catch (JsonProcessingException e) {
                        throw new IllegalArgumentException("not JSON: " + text, e);
                    }
                }
            }

            @Override
            void ended(String how) {
                channel = Optional.empty();
                loop.eventLoop().schedule(Watcher.this::connect, backoff.next().toNanos(), TimeUnit.NANOSECONDS);
            }
        }
    }
}
