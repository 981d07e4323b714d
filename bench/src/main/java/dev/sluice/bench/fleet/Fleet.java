package dev.sluice.bench.fleet;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.load.ClientLoop;
import dev.sluice.bench.process.Machine;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.report.FleetReport;
import dev.sluice.bench.report.FleetReport.Joins;
import dev.sluice.bench.report.FleetReport.Mode;
import dev.sluice.bench.report.FleetReport.PodCost;
import dev.sluice.bench.report.FleetReport.RedisCost;
import dev.sluice.bench.report.FleetReport.Section;
import dev.sluice.bench.report.Results;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ServerProcess;
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
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures what the feed modes cost Redis, with pods that are only sockets, and real pods. bench/fleet starts it. */
@Command(
        name = "bench/fleet",
        description =
                "Compares pods that subscribe by patterns with pods that subscribe by names: the CPU time of Redis for a publication"
                        + " with 10, 30 and 100 simulated pods, that of a real pod, and the time until the clients of a pod that was killed"
                        + " have subscribed on another. Writes bench/results/results.md, and from which part of the channels on names"
                        + " cost more into docs/operations.md, in about 20 minutes. Needs two cores.")
public final class Fleet extends Program {

    private static final int CHANNELS = 10_000;
    private static final int SEED = 1;
    private static final String PAYLOAD = "x".repeat(200);

    /** What is published in a round until one of these is reached. */
    private static final int MAX_MESSAGES = 1_000_000;

    private static final int MAX_PUBLICATIONS = 50_000;
    private static final int QUICK = 20;
    private static final double MICRO = 1e3;

    /** In messages of Redis: {@code *3 $9 subscribe $8 upload:7 :1}, {@code *3 $7 message ...}, {@code *4 $8 pmessage ...}. */
    private static final int LINES_OF_AN_ACKNOWLEDGEMENT = 6;

    private static final int LINES_OF_A_MESSAGE = 7;
    private static final int LINES_OF_A_MATCH = 9;

    private static final int ALL = 100;

    /** The parts of the channels that a pod wants, in percent: enough to see where one mode begins to take more than the other. */
    private static final int[] WANTED = {1, 20, 50, ALL};

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "how often each is measured (default: 3); results of fewer are only printed")
    private Integer rounds;

    @Option(
            names = "--only",
            split = COMMA,
            splitSynopsisLabel = ",",
            paramLabel = "PART",
            description =
                    "only these parts; a wrong name lists them. Those of the others in the pages stay as they are")
    private Set<Part> only = EnumSet.noneOf(Part.class);

    /** Whether no trial has failed, not even once. */
    private boolean isClean = true;

    /** What is measured. */
    private enum Part {
        REDIS,
        POD,
        JOINS;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** A measurement of one case in one round. */
    @FunctionalInterface
    private interface Trial<T> {
        T run() throws IOException;
    }

    public static void main(String[] arguments) {
        start(new Fleet(), arguments);
    }

    @Override
    protected void validate() {
        rounds = number("--rounds", rounds, 1, 100, quick ? 1 : Results.ENOUGH_ROUNDS);
    }

    @Override
    protected boolean run() throws IOException {
        Path logs = Files.createDirectories(target());
        for (Part part : only.isEmpty() ? EnumSet.allOf(Part.class) : only) {
            switch (part) {
                case REDIS -> measure(redisTrials(logs), FleetReport::redis);
                case POD -> measure(costTrials(podTrials(logs)), FleetReport::pods);
                case JOINS -> measure(joinTrials(podTrials(logs)), FleetReport::joins);
            }
        }
        return isClean;
    }

    /** Runs every trial once in each round, so that other load of the machine hits them all, and publishes them unless one failed twice. */
    private <T> void measure(List<Trial<T>> trials, Function<List<T>, Section> report) throws IOException {
        List<T> measured = new ArrayList<>();
        for (int round = 1; round <= rounds; round++) {
            for (Trial<T> trial : trials) {
                System.out.print("round " + round + ": ");
                System.out.flush();
                attempt(trial).or(() -> attempt(trial)).ifPresent(measured::add);
            }
        }
        if (measured.size() == rounds * trials.size()) {
            publish(report.apply(measured));
        }
    }

    /** Runs a trial and prints what it measured; empty if it failed. */
    private <T> Optional<T> attempt(Trial<T> trial) {
        try {
            T measured = trial.run();
            System.out.println(measured);
            return Optional.of(measured);
        } catch (IOException | RuntimeException | AssertionError e) {
            System.out.println("FAILED: " + e);
            isClean = false;
            return Optional.empty();
        }
    }

    /** Prints the section, and writes it into the pages unless it has too few rounds. */
    private void publish(Section section) throws IOException {
        System.out.println(section.table());
        section.advice().ifPresent(advice -> System.out.println("exact saves " + advice));
        if (!quick && rounds >= Results.ENOUGH_ROUNDS) {
            section.write(
                    root(),
                    "Medians of %d rounds, in turn, with least and most in parentheses. %s."
                            .formatted(rounds, Machine.here(root()).inWords()));
        }
    }

    private PodTrials podTrials(Path logs) {
        return new PodTrials(jar(), sluiceFlags(), logs, quick ? PodTrials.Sizes.quick() : PodTrials.Sizes.full());
    }

    private List<Trial<PodCost>> costTrials(PodTrials pods) {
        List<Trial<PodCost>> trials = new ArrayList<>();
        for (int wanted : quick ? new int[] {20, ALL} : WANTED) {
            for (Mode mode : Mode.values()) {
                trials.add(() -> pods.cost(mode, wanted));
            }
        }
        return trials;
    }

    private static List<Trial<Joins>> joinTrials(PodTrials pods) {
        List<Trial<Joins>> trials = new ArrayList<>();
        for (Mode mode : Mode.values()) {
            trials.add(() -> pods.joins(mode));
        }
        return trials;
    }

    private List<Trial<RedisCost>> redisTrials(Path logs) {
        List<Trial<RedisCost>> trials = new ArrayList<>();
        for (int pods : new int[] {10, 30, 100}) {
            trials.add(() -> measure(logs, Mode.PATTERN, pods, ALL));
            for (int wanted : WANTED) {
                trials.add(() -> measure(logs, Mode.EXACT, pods, wanted));
            }
        }
        return trials;
    }

    private RedisCost measure(Path logs, Mode mode, int pods, int wanted) throws IOException {
        boolean byPattern = mode == Mode.PATTERN;
        int publications = Math.min(MAX_PUBLICATIONS, MAX_MESSAGES * 100 / pods / wanted) / (quick ? QUICK : 1);
        Random random = new Random(SEED);
        try (Redis redis = Sluice.redis(logs);
                Subscribers subscribers = new Subscribers(redis.address());
                Redis.Admin publisher = redis.admin()) {
            moveToCoreZero(redis);
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
            return new RedisCost(
                    mode,
                    pods,
                    wanted,
                    (redis.process().cpuNanos() - cpu) / MICRO / publications,
                    (subscribers.bytes() - bytes) / (double) publications,
                    100.0 * messages / pods / publications);
        }
    }

    /** This process and its children use the other cores. */
    private static void moveToCoreZero(Redis redis) {
        String pid = Long.toString(redis.process().pid());
        ServerProcess.output("taskset", "-acp", "0", pid)
                .orElseThrow(() -> new IllegalStateException("taskset can't move Redis to core 0"));
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
