package dev.sluice.bench.fleet;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.load.LoadGenerator;
import dev.sluice.bench.load.LoadGenerator.Mark;
import dev.sluice.bench.load.Publication;
import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.load.Workload.PartlyWanted;
import dev.sluice.bench.report.FleetReport.Mode;
import dev.sluice.bench.report.FleetReport.PodCost;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Waiting;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** Measures real pods, which have core 0. Each trial has its own Redis, pods and clients. */
final class PodTrials {

    /** The channels of users, which need no subscription. */
    private static final ChannelName USER_CHANNELS = new ChannelName("user:u", 5);

    private static final String USER = "u%05d";
    private static final int PAYLOAD_BYTES = 200;

    /** On all channels together, in both modes. */
    private static final int PER_SECOND = 10_000;

    /** A limit of connects that no client exceeds. */
    private static final int NO_LIMIT = 100_000;

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
     */
    record Sizes(int channels, Duration rehearsal, Duration settling, Duration window, Duration idle) {

        static Sizes full() {
            return new Sizes(
                    10_000,
                    Duration.ofSeconds(8),
                    Duration.ofSeconds(2),
                    Duration.ofSeconds(15),
                    Duration.ofSeconds(10));
        }

        static Sizes quick() {
            Duration blink = Duration.ofMillis(500);
            return new Sizes(1_000, blink, blink, Duration.ofSeconds(1), blink);
        }
    }

    /**
     * What a publication costs a pod.
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
            long cpu = pod.process().cpuNanos();
            Waiting.sleep(sizes.window());
            long busy = pod.process().cpuNanos() - cpu;
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

    /** The part of a core that the pod takes now. */
    private double idle(HttpServerProcess pod) {
        long begin = System.nanoTime();
        long cpu = pod.process().cpuNanos();
        Waiting.sleep(sizes.idle());
        return (pod.process().cpuNanos() - cpu) / (double) (System.nanoTime() - begin);
    }

    private Sluice sluice(Mode mode, String name) {
        return Sluice.jar(name, jar, flags, Map.of("SLUICE_FEED_MODE", mode.toString()));
    }
}
