package dev.sluice.bench;

import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.load.ClientLoop;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.process.Program;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Waiting;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;

/** Measures what a fleet of pods costs Redis, by the way in which the pods subscribe. The pods are only sockets. */
@Command(
        name = "bench/fleet",
        description =
                "Measures the CPU time of Redis for a publication, with 10, 30 and 100 pods that subscribe by patterns or by"
                        + " names, and writes bench/results/results.md in about a minute.")
public final class Fleet extends Program {

    private static final int CHANNELS = 10_000;
    private static final int SEED = 1;
    private static final String PAYLOAD = "x".repeat(200);

    /** What is published until one of these is reached. */
    private static final int MAX_MESSAGES = 2_000_000;

    private static final int MAX_PUBLICATIONS = 100_000;
    private static final int QUICK = 20;
    private static final double MICRO = 1e3;

    /** In messages of Redis: {@code *3 $9 subscribe $8 upload:7 :1}, {@code *3 $7 message ...}, {@code *4 $8 pmessage ...}. */
    private static final int LINES_OF_AN_ACKNOWLEDGEMENT = 6;

    private static final int LINES_OF_A_MESSAGE = 7;
    private static final int LINES_OF_A_MATCH = 9;

    /**
     * A measurement.
     *
     * @param wanted the part of the channels that a pod wants, in percent
     * @param cpuMicros of Redis for a publication
     * @param messages that a pod gets, for 100 publications
     * @param bytes that all pods get for a publication
     */
    private record Case(int pods, int wanted, String mode, double cpuMicros, double messages, double bytes) {}

    public static void main(String[] arguments) {
        start(new Fleet(), arguments);
    }

    @Override
    protected boolean run() throws IOException {
        Path logs = Files.createDirectories(target());
        List<Case> cases = new ArrayList<>();
        for (int pods : new int[] {10, 30, 100}) {
            cases.add(measure(logs, pods, 100, true));
            for (int wanted : new int[] {1, 20, 100}) {
                cases.add(measure(logs, pods, wanted, false));
            }
        }
        String table = Page.table(
                cases,
                List.of(
                        figure("pods", each -> "" + each.pods),
                        text("mode", Case::mode),
                        figure("Redis's CPU per publication, µs", each -> "%.1f".formatted(each.cpuMicros)),
                        figure("bytes to all pods per publication", each -> "%,.0f".formatted(each.bytes)),
                        figure("messages per pod and 100 publications", each -> "%.0f".formatted(each.messages))));
        publish("%,d channels, payloads of 200 bytes, seed %d.".formatted(CHANNELS, SEED), table);
        return true;
    }

    private Case measure(Path logs, int pods, int wanted, boolean byPattern) throws IOException {
        int publications = Math.min(MAX_PUBLICATIONS, MAX_MESSAGES * 100 / pods / wanted) / (quick ? QUICK : 1);
        Random random = new Random(SEED);
        try (Redis redis = Sluice.redis(logs);
                Subscribers subscribers = new Subscribers(redis.address());
                Redis.Admin publisher = redis.admin()) {
            for (int pod = 0; pod < pods; pod++) {
                if (byPattern) {
                    subscribers.add("PSUBSCRIBE", List.of("upload:*"));
                } else {
                    subscribers.add("SUBSCRIBE", names(random, CHANNELS * wanted / 100));
                }
            }
            subscribers.await("the subscriptions");
            long cpu = redis.process().cpuNanos();
            long bytes = subscribers.bytes();
            long messages = 0;
            for (int i = 0; i < publications; i++) {
                // The reply is the number of receivers.
                messages += Long.parseLong(publisher
                        .command("PUBLISH", "upload:" + i % CHANNELS, PAYLOAD)
                        .substring(1));
            }
            subscribers.expect(messages * (byPattern ? LINES_OF_A_MATCH : LINES_OF_A_MESSAGE));
            subscribers.await("the publications");
            return new Case(
                    pods,
                    wanted,
                    byPattern ? "pattern" : "exact, %d %% wanted".formatted(wanted),
                    (redis.process().cpuNanos() - cpu) / MICRO / publications,
                    100.0 * messages / pods / publications,
                    (subscribers.bytes() - bytes) / (double) publications);
        }
    }

    private static List<String> names(Random random, int count) {
        List<Integer> all = new ArrayList<>(IntStream.range(0, CHANNELS).boxed().toList());
        Collections.shuffle(all, random);
        return all.subList(0, count).stream().map(id -> "upload:" + id).toList();
    }

    /** Connections that subscribe to Redis as pods do, and count what they get by its line breaks: payloads have none. */
    private static final class Subscribers implements AutoCloseable {

        /** As many names as a pod writes into one command. */
        private static final int SLICE = 256;

        private final ClientLoop loop = new ClientLoop();
        private final Bootstrap bootstrap;
        private final SocketAddress redis;
        private long expected;
        private long lines;
        private long bytes;

        Subscribers(SocketAddress redis) {
            this.redis = redis;
            this.bootstrap = loop.bootstrap().handler(new ChannelInitializer<>() {
                @Override
                protected void initChannel(Channel channel) {
                    channel.pipeline().addLast(new Count());
                }
            });
        }

        /** Connects and subscribes. */
        void add(String command, List<String> names) {
            Channel connection = bootstrap.connect(redis).syncUninterruptibly().channel();
            for (int i = 0; i < names.size(); i += SLICE) {
                List<String> slice = names.subList(i, Math.min(names.size(), i + SLICE));
                StringBuilder text = new StringBuilder(
                        "*" + (slice.size() + 1) + "\r\n$" + command.length() + "\r\n" + command + "\r\n");
                slice.forEach(name -> text.append("$" + name.length() + "\r\n" + name + "\r\n"));
                connection.writeAndFlush(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
            }
            expect((long) LINES_OF_AN_ACKNOWLEDGEMENT * names.size());
        }

        void expect(long more) {
            expected += more;
        }

        /** Returns when everything that is expected has come. */
        void await(String what) {
            Waiting.until(what, () -> loop.call(() -> lines) == expected);
        }

        long bytes() {
            return loop.call(() -> bytes);
        }

        @Override
        public void close() {
            loop.close();
        }

        private final class Count extends SimpleChannelInboundHandler<ByteBuf> {

            @Override
            protected void channelRead0(ChannelHandlerContext context, ByteBuf in) {
                byte[] read = ByteBufUtil.getBytes(in);
                for (byte next : read) {
                    lines += next == '\n' ? 1 : 0;
                }
                bytes += read.length;
            }
        }
    }
}
