package dev.sluice.bench.trial;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.account.Books.ClientLog;
import dev.sluice.bench.account.ConnectionLog;
import dev.sluice.bench.trial.Publisher.Numbered;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * A well-behaved client of one user: it subscribes to its channels, logs what it gets, and reconnects with back-off. To be used on the event
 * loop.
 */
public final class Listener {

    /** How long its network is gone, and how long it lasts between. */
    private static final Duration OUTAGE = Duration.ofSeconds(2);

    private static final Duration LEAST_CALM = Duration.ofSeconds(5);
    private static final Duration MOST_CALM = Duration.ofSeconds(10);

    private final Bootstrap bootstrap;
    private final EventLoop loop;
    private final InetSocketAddress entrance;
    private final Protocol protocol;
    private final Protocol.Client client;
    private final ClientLog log;
    private final Backoff backoff;
    private final Consumer<String> surprise;
    private Talk talk;
    private Optional<Duration> absence = Optional.empty();
    private boolean stopped;

    /**
     * A client that has not started.
     *
     * @param surprise gets the messages that no well-behaved client should get
     */
    Listener(
            Bootstrap bootstrap,
            EventLoop loop,
            InetSocketAddress entrance,
            Protocol protocol,
            ClientLog log,
            Backoff backoff,
            Consumer<String> surprise) {
        this.bootstrap = bootstrap;
        this.loop = loop;
        this.entrance = entrance;
        this.protocol = protocol;
        this.client = protocol.client(log.name(), log.channels());
        this.log = log;
        this.backoff = backoff;
        this.surprise = surprise;
    }

    void start() {
        if (!stopped) {
            talk = new Talk();
            talk.begin(bootstrap, entrance);
        }
    }

    void stop() {
        stopped = true;
    }

    /** Whether all its subscriptions are answered. */
    boolean isSubscribed() {
        return talk != null && talk.awaited.isEmpty();
    }

    /** Whether it could resume all of them now. */
    boolean isPositioned() {
        return client.isPositioned();
    }

    /** Makes it stop or continue reading. */
    void read(boolean on) {
        if (talk.channel != null) {
            talk.channel.config().setAutoRead(on);
        }
    }

    /** Resets its connection, if it has one; it reconnects after this time. */
    void reset(Duration away) {
        if (isConnected()) {
            absence = Optional.of(away);
            talk.channel.close();
        }
    }

    /** Reads nothing for this time; then resets its connection, and reconnects at once. */
    void fallSilent(Duration away) {
        if (isConnected()) {
            Talk silent = talk;
            silent.channel.config().setAutoRead(false);
            loop.schedule(
                    () -> {
                        if (talk == silent) {
                            reset(Duration.ZERO);
                        }
                    },
                    away.toNanos(),
                    TimeUnit.NANOSECONDS);
        }
    }

    /**
     * Loses its network again and again. The first time comes earlier, so that clients differ.
     *
     * @param lasts whether it still does
     */
    void jitter(Jitter jitter, BooleanSupplier lasts, RandomGenerator random) {
        jitter(Duration.ZERO, jitter, lasts, random);
    }

    private void jitter(Duration least, Jitter jitter, BooleanSupplier lasts, RandomGenerator random) {
        long nanos = random.nextLong(least.toNanos(), OUTAGE.plus(MOST_CALM).toNanos());
        loop.schedule(
                () -> {
                    if (lasts.getAsBoolean()) {
                        if (jitter == Jitter.RESET || jitter == Jitter.EITHER && random.nextBoolean()) {
                            reset(OUTAGE);
                        } else {
                            fallSilent(OUTAGE);
                        }
                        jitter(OUTAGE.plus(LEAST_CALM), jitter, lasts, random);
                    }
                },
                nanos,
                TimeUnit.NANOSECONDS);
    }

    private boolean isConnected() {
        return talk.channel != null && talk.channel.isActive();
    }

    ClientLog log() {
        return log;
    }

    private final class Talk extends WebSocketClient implements Protocol.Connection {
        private final ConnectionLog connection = log.connect();
        private final Set<String> awaited = new HashSet<>(log.channels());
        private Channel channel;

        Talk() {
            super(protocol);
        }

        @Override
        void opened(Channel opened) {
            channel = opened;
            client.opened(this);
        }

        @Override
        void heard(String message) {
            client.heard(message, this);
        }

        @Override
        void ended(String how) {
            connection.end(how, Books.now());
            awaited.addAll(log.channels());
            Duration wait = absence.orElseGet(backoff::next);
            absence = Optional.empty();
            loop.schedule(Listener.this::start, wait.toNanos(), TimeUnit.NANOSECONDS);
        }

        @Override
        public void say(String message) {
            channel.writeAndFlush(new TextWebSocketFrame(message));
        }

        @Override
        public void published(String payload) {
            Numbered numbered = Numbered.of(payload);
            connection.heard(numbered.channel(), numbered.number(), Books.now());
        }

        @Override
        public void repeated() {
            connection.repeated();
        }

        @Override
        public void subscribed(String name, boolean retained, Optional<Boolean> resumption) {
            connection.subscribed(name, Books.now(), retained, resumption);
            awaited.remove(name);
            if (awaited.isEmpty()) {
                backoff.reset();
            }
        }

        @Override
        public void unsubscribed(String name) {
            connection.unsubscribed(name);
            awaited.add(name);
        }

        @Override
        public void missed(String name, int count) {
            connection.missed(name, count);
        }

        @Override
        public void gap(Optional<String> of, String since, Optional<String> until) {
            connection.gap(of, time(since), until.map(Talk::time), Books.now());
        }

        @Override
        public void surprised(String message) {
            surprise.accept(message);
        }

        private static long time(String text) {
            return Books.nanos(Instant.parse(text));
        }
    }

    /** Full jitter: a random wait before the next attempt, up to a bound that doubles with each failure. */
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

    /** How a network looks to both sides that is gone for two seconds every five to ten seconds. */
    public enum Jitter {
        /** The connection is reset when the network is lost. */
        RESET,
        /** The server learns nothing until the network is back; then the old connection is reset. */
        SILENT,
        EITHER;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
