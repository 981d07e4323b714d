package dev.sluice.bench.fleet;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.Entrance.Session.Step;
import dev.sluice.bench.load.LoadGenerator;
import dev.sluice.bench.load.LoadGenerator.Mark;
import dev.sluice.bench.load.Publication;
import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.load.Storm;
import dev.sluice.bench.load.Workload.PartlyWanted;
import dev.sluice.bench.load.Workload.Unwanted;
import dev.sluice.bench.report.FleetReport.Joins;
import dev.sluice.bench.report.FleetReport.Mode;
import dev.sluice.bench.report.FleetReport.PodCost;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Waiting;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Measures real pods, which have core 0. Each trial has its own Redis, pods and clients. */
final class PodTrials {

    /** The channels of users, which need no subscription. */
    private static final ChannelName USER_CHANNELS = new ChannelName("user:u", 5);

    private static final String USER = "u%05d";
    private static final int PAYLOAD_BYTES = 200;

    /** The channels of the clients of a pod that is killed. */
    private static final ChannelName UPLOADS = new ChannelName("upload:j", 5);

    /** The channels of each of these clients, besides that of its user: together ten. */
    private static final int UPLOADS_PER_CLIENT = 9;

    private static final String SUBSCRIBED = "\"subscribed\"";
    private static final Pattern SUBSCRIBE_CALLS = Pattern.compile("cmdstat_subscribe:calls=(\\d+)");

    /** On all channels together, in both modes. */
    private static final int PER_SECOND = 10_000;

    /** While clients join: Redis and the clients have one core together. */
    private static final int PER_SECOND_OF_JOINS = 5_000;

    /** One publication in this number goes to a client that was there before; it has no divisor in common with the channels. */
    private static final int ONE_IN = 7;

    /** The clients that rehearse at once. */
    private static final int GROUP = 100;

    /** A limit of connects that no client exceeds. */
    private static final int NO_LIMIT = 100_000;

    private static final double P99 = 99;
    private static final double NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    private static final double NANOS_PER_MICRO = TimeUnit.MICROSECONDS.toNanos(1);
    private static final double NANOS_PER_SECOND = TimeUnit.SECONDS.toNanos(1);

    private final Path jar;
    private final List<String> flags;
    private final Path logs;
    private final Sizes sizes;

    /**
     * @param jar of Sluice
     * @param flags of its JVM
     */
    PodTrials(Path jar, List<String> flags, Path logs, Sizes sizes) {
        this.jar = jar;
        this.flags = flags;
        this.logs = logs;
        this.sizes = sizes;
    }

    /**
     * The sizes of the trials.
     *
     * @param channels on which something is published
     * @param rehearsal the time of publications on wanted channels only
     * @param settling the time before each count
     * @param window the time of the count under load
     * @param idle the time of the count without load
     * @param clients of the pod that is killed
     */
    record Sizes(int channels, Duration rehearsal, Duration settling, Duration window, Duration idle, int clients) {

        static Sizes full() {
            return new Sizes(
                    10_000,
                    Duration.ofSeconds(8),
                    Duration.ofSeconds(1),
                    Duration.ofSeconds(8),
                    Duration.ofSeconds(6),
                    1_000);
        }

        static Sizes quick() {
            Duration blink = Duration.ofMillis(500);
            return new Sizes(1_000, blink, blink, Duration.ofSeconds(1), blink, GROUP);
        }
    }

    /**
     * What a publication costs a pod, without its JVM's compilers.
     *
     * @param wanted the part of the channels to which clients listen, each to one, in percent
     */
    PodCost cost(Mode mode, int wanted) {
        Sluice sluice = sluice(mode, mode.toString());
        int users = sizes.channels() * wanted / 100;
        PartlyWanted workload = new PartlyWanted(
                new Publication(PublishProtocol.REDIS_UNHEARD, USER_CHANNELS, PAYLOAD_BYTES),
                sizes.channels(),
                users,
                PER_SECOND * sizes.rehearsal().toMillis() / 1_000);
        try (Redis redis = Sluice.redis(logs);
                HttpServerProcess pod = sluice.start(redis, NO_LIMIT, logs);
                LoadGenerator load = new LoadGenerator()) {
            load.admit(
                    pod.address(),
                    IntStream.range(0, users)
                            .mapToObj(user -> sluice.user(USER.formatted(workload.channel(user))))
                            .toList());
            load.publishAtPace(redis.address(), PublishProtocol.REDIS_UNHEARD, workload, PER_SECOND, 1);
            Waiting.sleep(sizes.rehearsal().plus(sizes.settling()));
            Mark begin = load.mark();
            long cpu = pod.process().cpuNanosWithoutCompilers();
            Waiting.sleep(sizes.window());
            long busy = pod.process().cpuNanosWithoutCompilers() - cpu;
            Mark end = load.mark();
            load.stopAndVerify();
            Waiting.sleep(sizes.settling());
            double idle = idle(pod);
            double nanos = end.nanos() - begin.nanos();
            return new PodCost(
                    mode,
                    wanted,
                    (busy - idle * nanos) / NANOS_PER_MICRO / (end.publications() - begin.publications()),
                    idle * 100,
                    (end.deliveries() - begin.deliveries()) * NANOS_PER_SECOND / nanos);
        }
    }

    /** The part of a core that the pod takes now, without compilers. */
    private double idle(HttpServerProcess pod) {
        long begin = System.nanoTime();
        long cpu = pod.process().cpuNanosWithoutCompilers();
        Waiting.sleep(sizes.idle());
        return (pod.process().cpuNanosWithoutCompilers() - cpu) / (double) (System.nanoTime() - begin);
    }

    /**
     * Kills one of two pods, whose clients connect to the other at once and subscribe, while publications go on. Each channel must then have a
     * subscriber.
     */
    Joins joins(Mode mode) {
        Sluice first = sluice(mode, mode + "-killed");
        Sluice second = sluice(mode, mode + "-other");
        List<Session> sessions = sessions(second, "j", 0, sizes.clients());
        try (Redis redis = Sluice.redis(logs);
                HttpServerProcess killed = first.start(redis, NO_LIMIT, logs);
                HttpServerProcess other = second.start(redis, NO_LIMIT, logs);
                LoadGenerator leaving = new LoadGenerator();
                LoadGenerator load = new LoadGenerator();
                Storm joining = new Storm(other.address(), sessions, Integer.MAX_VALUE)) {
            leaving.admit(killed.address(), sessions);
            rehearse(second, other);
            load.admit(other.address(), List.of(second.user(USER.formatted(0))));
            load.publishAtPace(
                    redis.address(),
                    PublishProtocol.REDIS_UNHEARD,
                    new Unwanted(
                            new Publication(PublishProtocol.REDIS_UNHEARD, UPLOADS, PAYLOAD_BYTES),
                            sizes.clients() * UPLOADS_PER_CLIENT,
                            new Publication(PublishProtocol.REDIS_UNHEARD, USER_CHANNELS, PAYLOAD_BYTES),
                            1,
                            ONE_IN),
                    PER_SECOND_OF_JOINS,
                    1);
            Waiting.sleep(sizes.settling());
            load.mark();
            Waiting.sleep(sizes.settling());
            Mark before = load.mark();
            long commands = subscribeCalls(redis);
            long begin = System.nanoTime();
            killed.process().kill();
            joining.run();
            double seconds = (System.nanoTime() - begin) / NANOS_PER_SECOND;
            Mark meanwhile = load.mark();
            commands = subscribeCalls(redis) - commands;
            load.stopAndVerify();
            requireSubscribers(redis);
            return new Joins(
                    mode,
                    seconds,
                    joining.course().refusals() + joining.course().failures(),
                    commands,
                    before.latencies().getValueAtPercentile(P99) / NANOS_PER_MILLI,
                    meanwhile.latencies().getValueAtPercentile(P99) / NANOS_PER_MILLI);
        }
    }

    /** As many clients come and go, with other channels, so that the pod has compiled what they need. */
    private void rehearse(Sluice sluice, HttpServerProcess pod) {
        for (int from = 0; from < sizes.clients(); from += GROUP) {
            List<Session> group = sessions(sluice, "r", from, from + GROUP);
            try (Storm joining = new Storm(pod.address(), group, Integer.MAX_VALUE)) {
                joining.run();
            }
        }
    }

    /** The sessions of clients with channels of their own, from one number to another, which is excluded. */
    private static List<Session> sessions(Sluice sluice, String prefix, int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(client -> session(sluice.user(prefix + client), prefix, client))
                .toList();
    }

    private static Session session(Session user, String prefix, int client) {
        String channels = IntStream.range(client * UPLOADS_PER_CLIENT, (client + 1) * UPLOADS_PER_CLIENT)
                .mapToObj(upload -> "\"upload:%s%05d\"".formatted(prefix, upload))
                .collect(Collectors.joining(","));
        List<Step> steps = new ArrayList<>(user.steps());
        steps.add(new Step("{\"action\":\"subscribe\",\"channels\":[" + channels + "]}", SUBSCRIBED));
        // Each channel has an answer of its own.
        for (int i = 1; i < UPLOADS_PER_CLIENT; i++) {
            steps.add(new Step("", SUBSCRIBED));
        }
        return new Session(user.knock(), user.path(), user.format(), user.header(), steps);
    }

    private static long subscribeCalls(Redis redis) {
        Matcher calls = SUBSCRIBE_CALLS.matcher((String) redis.reply("INFO", "commandstats"));
        return calls.find() ? Long.parseLong(calls.group(1)) : 0;
    }

    /** Fails unless the pod that is left subscribes to all channels of the clients. */
    private void requireSubscribers(Redis redis) {
        try (Redis.Admin publisher = redis.admin()) {
            for (int upload = 0; upload < sizes.clients() * UPLOADS_PER_CLIENT; upload++) {
                String channel = "upload:j%05d".formatted(upload);
                String subscribers = publisher.command("PUBLISH", channel, "after the answers");
                if (!subscribers.equals(":1")) {
                    throw new IllegalStateException(channel + " has not one subscriber but " + subscribers);
                }
            }
        }
    }

    private Sluice sluice(Mode mode, String name) {
        return Sluice.jar(name, jar, flags, Map.of("SLUICE_FEED_MODE", mode.toString()));
    }
}
