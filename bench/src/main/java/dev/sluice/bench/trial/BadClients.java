package dev.sluice.bench.trial;

import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** Clients that behave badly. To be used on the event loop. */
final class BadClients {

    private static final long INTERVAL_MILLIS = 20;
    private static final int SMALL_BUFFER = 4096;

    private final Bootstrap bootstrap;
    private final EventLoop loop;
    private final InetSocketAddress entrance;
    private final Collection<String> channels;
    private final RandomGenerator random;
    private final List<BadClient> all = new ArrayList<>();
    private BadClient.Kind coming;

    BadClients(
            Bootstrap bootstrap,
            EventLoop loop,
            InetSocketAddress entrance,
            Collection<String> channels,
            RandomGenerator random) {
        this.bootstrap = bootstrap;
        this.loop = loop;
        this.entrance = entrance;
        this.channels = channels;
        this.random = random;
    }

    /** From now on, new clients of this kind connect. */
    void begin(BadClient.Kind kind) {
        coming = kind;
        keepComing();
    }

    /** No more clients connect. */
    void end() {
        coming = null;
    }

    /** Connects this number of clients that subscribe and never read. */
    void stall(int howMany) {
        for (int i = 0; i < howMany; i++) {
            come(BadClient.Kind.STALLS, bootstrap.clone().option(ChannelOption.SO_RCVBUF, SMALL_BUFFER));
        }
    }

    /** Disconnects all. */
    void leave() {
        end();
        all.forEach(BadClient::leave);
    }

    private void keepComing() {
        if (coming != null) {
            come(coming, bootstrap);
            loop.schedule(this::keepComing, INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private void come(BadClient.Kind kind, Bootstrap through) {
        BadClient next = new BadClient(kind, "bad" + all.size(), channels, random);
        all.add(next);
        next.begin(through, entrance);
    }

    /** A client that behaves badly on one connection. */
    static final class BadClient extends WebSocketClient {

        /** How a client behaves. */
        public enum Kind {
            /** Resets its connection a moment after it has subscribed. */
            RESETS,
            /** Subscribes, and never reads. */
            STALLS,
            /** Sends invalid messages. */
            SENDS_GARBAGE
        }

        private static final int LONGEST_STAY_MILLIS = 200;
        private static final int GARBAGE_MESSAGES = 20;
        private static final int GARBAGE_BYTES = 40 * 1024;

        private final Kind kind;
        private final String user;
        private final Collection<String> channels;
        private final RandomGenerator random;
        private Channel channel;

        BadClient(Kind kind, String user, Collection<String> channels, RandomGenerator random) {
            super(SluiceProtocol.V1);
            this.kind = kind;
            this.user = user;
            this.channels = channels;
            this.random = random;
        }

        @Override
        void opened(Channel opened) {
            channel = opened;
            switch (kind) {
                case RESETS -> {
                    subscribe();
                    leaveSoon();
                }
                case STALLS -> {
                    subscribe();
                    channel.config().setAutoRead(false);
                }
                case SENDS_GARBAGE -> {
                    if (random.nextBoolean()) {
                        subscribe();
                    }
                    for (int i = 0; i < GARBAGE_MESSAGES; i++) {
                        sendGarbage();
                    }
                    leaveSoon();
                }
            }
        }

        @Override
        void heard(String message) {
            // Ignored.
        }

        @Override
        void ended(String how) {
            // It does not reconnect.
        }

        /** Disconnects. */
        void leave() {
            if (channel != null) {
                channel.close();
            }
        }

        private void subscribe() {
            say(SluiceProtocol.authentication(user));
            channels.forEach(name -> say(SluiceProtocol.subscription(name)));
        }

        private void leaveSoon() {
            channel.eventLoop().schedule(this::leave, random.nextLong(LONGEST_STAY_MILLIS), TimeUnit.MILLISECONDS);
        }

        private void sendGarbage() {
            byte[] noise = new byte[random.nextInt(GARBAGE_BYTES)];
            random.nextBytes(noise);
            switch (random.nextInt(5)) {
                case 0 -> channel.writeAndFlush(new BinaryWebSocketFrame(Unpooled.wrappedBuffer(noise)));
                case 1 -> channel.writeAndFlush(new TextWebSocketFrame(Unpooled.wrappedBuffer(noise)));
                case 2 -> say("[".repeat(random.nextInt(1000)));
                case 3 -> say("{\"action\":\"subscribe\",\"channel\":\"nothing:" + random.nextInt() + "\"}");
                default -> channel.pipeline().firstContext().writeAndFlush(Unpooled.wrappedBuffer(noise));
            }
        }

        private void say(String text) {
            channel.writeAndFlush(new TextWebSocketFrame(text));
        }
    }
}
