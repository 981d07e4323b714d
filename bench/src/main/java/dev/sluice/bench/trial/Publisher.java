package dev.sluice.bench.trial;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.account.Books.Publications;
import dev.sluice.bench.trial.Traffic.Destination;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.LineBasedFrameDecoder;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Publishes to Redis at a constant rate, on channels of its own, without waiting for answers. Without a connection to the server of a channel
 * it publishes nothing there, and it publishes nothing again. To be used on the event loop.
 */
final class Publisher {

    private static final long TICK_MILLIS = 10;
    private static final long RETRY_MILLIS = 50;
    private static final int LONGEST_ANSWER = 1024;

    private record Unanswered(Publications publications, int number) {}

    /** @param server which may change */
    private record Target(String channel, Publications publications, Supplier<? extends SocketAddress> server) {}

    private final Bootstrap bootstrap;
    private final EventLoop loop;
    private final Destination destination;
    private final Protocol protocol;
    private final List<Target> targets;
    private final RandomGenerator random;
    private final double perSecond;
    private final int payloadBytes;

    private final Map<SocketAddress, Connection> connections = new HashMap<>();
    private long started;
    private long due;
    private boolean stopped = true;

    Publisher(
            Bootstrap bootstrap,
            EventLoop loop,
            Destination destination,
            Protocol protocol,
            Map<String, Publications> channels,
            double perSecond,
            int payloadBytes,
            RandomGenerator random) {
        this.bootstrap = bootstrap;
        this.loop = loop;
        this.destination = destination;
        this.protocol = protocol;
        this.targets = channels.entrySet().stream()
                .map(channel -> new Target(channel.getKey(), channel.getValue(), destination.of(channel.getKey())))
                .toList();
        this.perSecond = perSecond;
        this.payloadBytes = payloadBytes;
        this.random = random;
    }

    void start() {
        stopped = false;
        started = System.nanoTime();
        targets.forEach(target -> connection(target.server().get()));
        loop.schedule(this::tick, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Stops publishing; later answers still count. */
    void stop() {
        stopped = true;
    }

    boolean isAnswered() {
        return connections.values().stream().allMatch(connection -> connection.unanswered.isEmpty());
    }

    /** Connects again. */
    void reconnect() {
        connections.values().stream()
                .filter(connection -> connection.channel != null)
                .forEach(connection -> connection.channel.close());
    }

    /** The connection to the server, which may have to be opened. */
    private Connection connection(SocketAddress server) {
        return connections.computeIfAbsent(server, this::connect);
    }

    private Connection connect(SocketAddress server) {
        Connection connection = new Connection(server);
        bootstrap
                .clone()
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new LineBasedFrameDecoder(LONGEST_ANSWER), connection);
                    }
                })
                .connect(server)
                .addListener(connected -> {
                    if (!connected.isSuccess()) {
                        connection.forgetLater();
                    }
                });
        return connection;
    }

    private void tick() {
        if (stopped) {
            return;
        }
        long wanted = (long) ((System.nanoTime() - started) / 1e9 * perSecond);
        for (; due < wanted; due++) {
            publish();
        }
        connections.values().stream()
                .filter(connection -> connection.channel != null)
                .forEach(connection -> connection.channel.flush());
        loop.schedule(this::tick, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void publish() {
        Target target = targets.get(random.nextInt(targets.size()));
        Connection to = connection(target.server().get());
        if (to.channel == null) {
            return;
        }
        int number = target.publications().add(Books.now());
        to.unanswered.add(new Unanswered(target.publications(), number));
        String payload = new Numbered(target.channel(), number).payload(payloadBytes);
        ByteBuf out = to.channel.alloc().buffer();
        List<String> command = destination.command(protocol.publish(target.channel(), payload));
        ByteBufUtil.writeAscii(out, "*" + command.size() + "\r\n");
        command.forEach(word -> ByteBufUtil.writeAscii(out, "$" + word.length() + "\r\n" + word + "\r\n"));
        to.channel.write(out, to.channel.voidPromise());
    }

    private final class Connection extends SimpleChannelInboundHandler<ByteBuf> {

        private final SocketAddress server;
        private final Queue<Unanswered> unanswered = new ArrayDeque<>();
        private Channel channel;

        Connection(SocketAddress server) {
            this.server = server;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            channel = context.channel();
        }

        /** After an error it is uncertain whether anyone got the publication, as without an answer. */
        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf line) {
            byte first = line.getByte(line.readerIndex());
            // A length; the answer follows.
            if (first != '$') {
                Unanswered answered = unanswered.remove();
                if (first != '-') {
                    answered.publications().acknowledge(answered.number(), Books.now());
                }
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            channel = null;
            unanswered.clear();
            forgetLater();
        }

        /** So that the next publication opens another connection. */
        void forgetLater() {
            loop.schedule(() -> connections.remove(server, this), RETRY_MILLIS, TimeUnit.MILLISECONDS);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    /**
     * The content of a payload: the channel on which it was published, and its number there.
     *
     * @param channel as Redis knows it
     * @param number from 1
     */
    record Numbered(String channel, int number) {

        private static final String HEAD = "{\"channel\":\"";
        private static final String MIDDLE = "\",\"number\":";
        private static final String TAIL = ",\"padding\":\"";
        private static final String END = "\"}";

        String payload(int bytes) {
            String text = HEAD + channel + MIDDLE + number + TAIL;
            return text + "x".repeat(Math.max(0, bytes - text.length() - END.length())) + END;
        }

        static boolean is(String message) {
            return message.startsWith(HEAD) && message.endsWith(END);
        }

        static Numbered of(String payload) {
            int middle = payload.indexOf(MIDDLE);
            String number = payload.substring(middle + MIDDLE.length(), payload.indexOf(TAIL));
            return new Numbered(payload.substring(HEAD.length(), middle), Integer.parseInt(number));
        }
    }
}
