package dev.sluice.bench.traffic;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.bench.account.ClientLog;
import dev.sluice.bench.account.ConnectionLog;
import dev.sluice.bench.account.Time;
import dev.sluice.bench.traffic.Conversation.Phrases;
import dev.sluice.bench.traffic.Publisher.Numbered;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * A well-behaved client of one user: it subscribes to its channels, writes down what it hears, and comes back, with
 * back-off, whenever its connection ends.
 */
final class Listener {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Bootstrap bootstrap;
    private final EventLoop loop;
    private final InetSocketAddress entrance;
    private final ClientLog log;
    private final Backoff backoff;
    private final Consumer<String> surprise;
    private final String own;
    private Talk talk;
    private boolean stopped;

    /**
     * A client that has not started.
     *
     * @param surprise told of what should never be said to a client that does everything right
     */
    Listener(
            Bootstrap bootstrap,
            EventLoop loop,
            InetSocketAddress entrance,
            ClientLog log,
            Backoff backoff,
            Consumer<String> surprise) {
        this.bootstrap = bootstrap;
        this.loop = loop;
        this.entrance = entrance;
        this.log = log;
        this.backoff = backoff;
        this.surprise = surprise;
        this.own = "user:" + log.name();
    }

    void start() {
        talk = new Talk();
        talk.begin(bootstrap, entrance);
    }

    void stop() {
        stopped = true;
    }

    /** Whether it hears all its channels, as far as it knows. */
    boolean isSubscribed() {
        return talk != null && talk.awaited.isEmpty();
    }

    /** Whether it reads; what it does not read waits elsewhere. */
    void read(boolean on) {
        if (talk.channel != null) {
            talk.channel.config().setAutoRead(on);
        }
    }

    ClientLog log() {
        return log;
    }

    private final class Talk extends Conversation {
        private final ConnectionLog connection = log.connect();
        private final Set<String> awaited = new HashSet<>(log.channels());
        private Channel channel;

        @Override
        void opened(Channel opened) {
            channel = opened;
            say(Phrases.auth(log.name()));
            new TreeSet<>(log.channels())
                    .stream()
                            .filter(name -> !name.equals(own))
                            .map(Phrases::subscribe)
                            .forEach(this::say);
        }

        @Override
        void heard(String message) {
            long now = Time.now();
            if (Numbered.is(message)) {
                Numbered numbered = Numbered.of(message);
                connection.heard(numbered.channel(), numbered.number(), now);
            } else {
                hear(message, now);
            }
        }

        @Override
        void ended(String how) {
            connection.end(how, Time.now());
            awaited.addAll(log.channels());
            if (!stopped) {
                loop.schedule(Listener.this::start, backoff.next().toNanos(), TimeUnit.NANOSECONDS);
            }
        }

        private void hear(String message, long now) {
            JsonNode said = parse(message);
            String name = said.path("channel").asText();
            switch (said.path("action").asText()) {
                case "auth_success" -> subscribed(own, now, false);
                case "subscribed" -> subscribed(name, now, said.path("retained").asBoolean());
                case "missed" -> connection.missed(name, said.path("count").asInt());
                case "gap" -> connection.gap(time(said.get("since")).orElseThrow(), time(said.get("until")), now);
                case "ping" -> say("{\"action\":\"pong\"}");
                default -> surprise.accept(log.name() + " was told " + message);
            }
        }

        private void subscribed(String name, long now, boolean retained) {
            connection.subscribed(name, now, retained);
            awaited.remove(name);
            if (awaited.isEmpty()) {
                backoff.reset();
            }
        }

        private void say(String text) {
            channel.writeAndFlush(new TextWebSocketFrame(text));
        }

        private static JsonNode parse(String message) {
            try {
                return JSON.readTree(message);
            } catch (JsonProcessingException e) {
                throw new IllegalArgumentException("not JSON: " + message, e);
            }
        }

        private static Optional<Long> time(JsonNode text) {
            return text.isNull() ? Optional.empty() : Optional.of(Time.of(Instant.parse(text.asText())));
        }
    }

    /** How long to wait before trying again: at random, up to a bound that doubles with each failure. */
    static final class Backoff {

        private static final Duration FIRST = Duration.ofMillis(200);
        private static final Duration MOST = Duration.ofSeconds(5);

        private final RandomGenerator random;
        private Duration bound = FIRST;

        Backoff(RandomGenerator random) {
            this.random = random;
        }

        Duration next() {
            Duration delay = Duration.ofNanos(random.nextLong(bound.toNanos()));
            Duration doubled = bound.multipliedBy(2);
            bound = doubled.compareTo(MOST) < 0 ? doubled : MOST;
            return delay;
        }

        void reset() {
            bound = FIRST;
        }
    }
}
