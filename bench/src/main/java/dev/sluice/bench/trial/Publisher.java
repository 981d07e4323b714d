package dev.sluice.bench.trial;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.account.Books.Publications;
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
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Publishes to Redis at a constant rate, on channels of its own, without waiting for answers. Without a connection it publishes nothing, and
 * it publishes nothing again. To be used on the event loop.
 */
final class Publisher {

    private static final long TICK_MILLIS = 10;
    private static final long RETRY_MILLIS = 50;
    private static final int LONGEST_ANSWER = 1024;

    private record Unanswered(Publications publications, int number) {}

    private final Bootstrap bootstrap;
    private final EventLoop loop;
    private final Supplier<? extends SocketAddress> redis;
    private final Protocol protocol;
    private final List<Map.Entry<String, Publications>> channels;
    private final RandomGenerator random;
    private final double perSecond;
    private final int payloadBytes;

    private Channel connection;
    private Queue<Unanswered> unanswered = new ArrayDeque<>();
    private long started;
    private long due;
    private boolean stopped = true;

    Publisher(
            Bootstrap bootstrap,
            EventLoop loop,
            Supplier<? extends SocketAddress> redis,
            Protocol protocol,
            Map<String, Publications> channels,
            double perSecond,
            int payloadBytes,
            RandomGenerator random) {
        this.bootstrap = bootstrap;
        this.loop = loop;
        this.redis = redis;
        this.protocol = protocol;
        this.channels = List.copyOf(channels.entrySet());
        this.perSecond = perSecond;
        this.payloadBytes = payloadBytes;
        this.random = random;
    }

    void start() {
        stopped = false;
        started = System.nanoTime();
        connect();
        loop.schedule(this::tick, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Stops publishing; later answers still count. */
    void stop() {
        stopped = true;
    }

    boolean isAnswered() {
        return unanswered.isEmpty();
    }

    /** Connects to the current Redis instead. */
    void reconnect() {
        if (connection != null) {
            connection.close();
        }
    }

    private void connect() {
        bootstrap
                .clone()
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new LineBasedFrameDecoder(LONGEST_ANSWER), new Answers());
                    }
                })
                .connect(redis.get())
                .addListener(connected -> {
                    if (!connected.isSuccess()) {
                        connectLater();
                    }
                });
    }

    private void connectLater() {
        if (!stopped) {
            loop.schedule(this::connect, RETRY_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private void tick() {
        if (stopped) {
            return;
        }
        long wanted = (long) ((System.nanoTime() - started) / 1e9 * perSecond);
        for (; due < wanted; due++) {
            if (connection != null) {
                publish();
            }
        }
        if (connection != null) {
            connection.flush();
        }
        loop.schedule(this::tick, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void publish() {
        Map.Entry<String, Publications> channel = channels.get(random.nextInt(channels.size()));
        int number = channel.getValue().add(Books.now());
        unanswered.add(new Unanswered(channel.getValue(), number));
        String payload = new Numbered(channel.getKey(), number).payload(payloadBytes);
        ByteBuf out = connection.alloc().buffer();
        List<String> command = protocol.publish(channel.getKey(), payload);
        ByteBufUtil.writeAscii(out, "*" + command.size() + "\r\n");
        command.forEach(word -> ByteBufUtil.writeAscii(out, "$" + word.length() + "\r\n" + word + "\r\n"));
        connection.write(out, connection.voidPromise());
    }

    private final class Answers extends SimpleChannelInboundHandler<ByteBuf> {

        @Override
        public void channelActive(ChannelHandlerContext context) {
            connection = context.channel();
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
            connection = null;
            unanswered = new ArrayDeque<>();
            connectLater();
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
