package dev.sluice.bench.ledger;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.trial.Listener.Jitter;
import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import dev.sluice.bench.trial.RollingUpdate;
import dev.sluice.bench.trial.Site;
import dev.sluice.bench.trial.Site.Plan;
import dev.sluice.bench.trial.Traffic;
import dev.sluice.bench.trial.Traffic.Load;
import dev.sluice.harness.Redis;
import dev.sluice.harness.RedisCluster;
import dev.sluice.harness.Waiting;
import dev.sluice.harness.attack.Attackers;
import dev.sluice.harness.attack.Attackers.Step;
import dev.sluice.harness.attack.Attackers.Target;
import dev.sluice.harness.attack.BadClients;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/** The faults, and the site and the load of each. */
enum Fault {
    NONE("nothing, for comparison", Kind.HARMLESS, (site, traffic) -> Waiting.sleep(ofSeconds(8))),

    REDIS_KILLED("Redis is killed with -9, and started again after 3 s", Kind.LASTING, (site, traffic) -> {
        site.redis().close();
        Waiting.sleep(ofSeconds(3));
        site.startRedis();
    }),

    REDIS_FROZEN(
            "Redis is frozen with SIGSTOP for 8 s; publications wait in its sockets", Kind.LASTING, (site, traffic) -> {
                site.redis().freeze();
                Waiting.sleep(ofSeconds(8));
                site.redis().thaw();
            }),

    REDIS_HICCUP("Redis is frozen for 1.5 s, which pods tolerate", Kind.LASTING, (site, traffic) -> {
        site.redis().freeze();
        Waiting.sleep(ofMillis(1500));
        site.redis().thaw();
    }),

    REDIS_RESTARTED("Redis is stopped with SIGTERM and at once started again", Kind.PASSING, (site, traffic) -> {
        site.redis().terminate();
        site.startRedis();
    }),

    REDIS_REPLACED(
            "Redis is frozen permanently and replaced at its address; publishers use the new one at once",
            Kind.PASSING,
            (site, traffic) -> {
                site.replaceRedis();
                traffic.reconnectPublishers();
            }),

    CONNECTIONS_KILLED("`CLIENT KILL` of all connections of both pods", Kind.PASSING, (site, traffic) -> {
        try (Redis.Admin control = site.redis().admin()) {
            site.killConnections(control);
        }
    }),

    OUT_OF_CLIENTS("the same, and no new ones for 6 s: `maxclients` is reached", Kind.LASTING, (site, traffic) -> {
        try (Redis.Admin control = site.redis().admin()) {
            control.command("CONFIG", "SET", "maxclients", "1");
            site.killConnections(control);
            Waiting.sleep(ofSeconds(6));
            control.command("CONFIG", "SET", "maxclients", "10000");
        }
    }),

    LINK_CUT(
            "the connections of one pod to Redis are reset",
            Kind.PASSING,
            (site, traffic) -> site.pod().link().cut()),

    LINK_SWALLOWS("data between one pod and Redis is lost for 8 s, without a reset", Kind.LASTING, (site, traffic) -> {
        site.pod().link().swallow();
        Waiting.sleep(ofSeconds(8));
        site.pod().link().heal();
    }),

    LINK_SLOW("200 ms more between Redis and both pods, for 8 s", Kind.LASTING, (site, traffic) -> {
        site.pods().forEach(pod -> pod.link().slowDown(ofMillis(200), 64 * 1024));
        Waiting.sleep(ofSeconds(8));
        site.pods().forEach(pod -> pod.link().heal());
    }),

    LINK_THROTTLED(
            "one pod's link to Redis carries less than is published, for 15 s", Kind.LASTING, (site, traffic) -> {
                site.pod().link().slowDown(ofMillis(100), 2 * 1024);
                Waiting.sleep(ofSeconds(15));
                site.pod().link().heal();
            }),

    POD_KILLED(
            "a pod is killed with -9, and started again after 3 s",
            Kind.PASSING,
            Resumption.ALWAYS,
            (site, traffic) -> killPod(site)),

    POD_TERMINATED(
            "a pod is stopped with SIGTERM, and then started again",
            Kind.PASSING,
            Resumption.ALWAYS,
            (site, traffic) -> {
                site.pod().terminate();
                site.pod().start();
            }),

    CLIENTS_CUT(
            "the connections of all clients are reset at once; each reconnects within 2 s",
            Kind.PASSING,
            Resumption.ALWAYS,
            (site, traffic) -> cutClients(traffic)),

    CLIENTS_JITTER(
            "each client loses its network for 2 s every 5 to 10 s, for a minute",
            Kind.LASTING,
            Resumption.ALWAYS,
            (site, traffic) -> {
                traffic.beginJitter(Jitter.EITHER);
                Waiting.sleep(ofSeconds(60));
                traffic.endJitter();
            }),

    CLIENTS_CUT_POD_KILLED(
            "`clients-cut`, and a second later `pod-killed`", Kind.PASSING, Resumption.ALWAYS, (site, traffic) -> {
                traffic.reset(Duration.ZERO, ofSeconds(2));
                Waiting.sleep(ofSeconds(1));
                killPod(site);
            }),

    CLIENTS_CUT_REDIS_RESTARTED(
            "`clients-cut`; before the first reconnects, Redis is restarted",
            Kind.PASSING,
            Resumption.NEVER,
            (site, traffic) -> {
                traffic.reset(ofSeconds(3), ofSeconds(8));
                site.redis().terminate();
                site.startRedis();
                Waiting.sleep(ofSeconds(8));
            }),

    ROLLING_UPDATE(
            "both pods are replaced, one by one, as a Deployment does it",
            Kind.LASTING,
            Resumption.ALWAYS,
            (site, traffic) -> new RollingUpdate(site).run()),

    CLIENTS_RESET("50 more clients a second subscribe and reset, for 10 s", Kind.HARMLESS, (site, traffic) -> {
        misbehave(site, BadClients.AT_ONCE, BadClients::reset, ofSeconds(10));
    }),

    CLIENTS_STALLED(
            "30 more clients subscribe to everything and never read; payloads of 16 KB, for a third of the clients",
            Kind.HARMLESS,
            Load::large,
            (site, traffic) -> {
                misbehave(site, 30, BadClients::stall, ofSeconds(15));
            }),

    CLIENTS_FROZEN(
            "a tenth of the clients reads nothing for 15 s; payloads as before",
            Kind.LASTING,
            Load::large,
            (site, traffic) -> {
                traffic.stopReading();
                Waiting.sleep(ofSeconds(15));
                traffic.readAgain();
            }),

    CLIENTS_RUBBISH("50 more clients a second send invalid messages, for 10 s", Kind.HARMLESS, (site, traffic) -> {
        misbehave(site, BadClients.AT_ONCE, BadClients::sendGarbage, ofSeconds(10));
    }),

    SHARDED_MASTER_KILLED(
            Mode.SHARDED,
            "a master is killed",
            Kind.PASSING,
            (site, traffic) -> site.kill(site.cluster().masters().get(0))),

    SHARDED_SLOTS_MOVED(Mode.SHARDED, "`redis-cli` moves 1,500 slots", Kind.LASTING, (site, traffic) -> {
        List<Redis> masters = site.cluster().masters();
        site.cluster().reshard(masters.get(0), masters.get(1), 1500);
    }),

    SHARDED_NODE_ADDED(Mode.SHARDED, "the same, to a new master", Kind.LASTING, (site, traffic) -> {
        RedisCluster cluster = site.cluster();
        Redis from = cluster.masters().get(0);
        cluster.reshard(from, cluster.addNode(), 1500);
    }),

    SHARDED_POD_KILLED(Mode.SHARDED, "`pod-killed`", Kind.PASSING, Resumption.SOME, (site, traffic) -> killPod(site)),

    SHARDED_CLIENTS_CUT(
            Mode.SHARDED, "`clients-cut`", Kind.PASSING, Resumption.SOME, (site, traffic) -> cutClients(traffic)),

    PATTERN_NODE_KILLED(
            Mode.PATTERN, "the pods' node is killed", Kind.PASSING, (site, traffic) -> site.kill(site.master(true))),

    PATTERN_MASTER_KILLED(
            Mode.PATTERN, "another master is killed", Kind.PASSING, (site, traffic) -> site.kill(site.master(false))),

    EXACT_NODE_KILLED(
            Mode.EXACT, "the pods' node is killed", Kind.PASSING, (site, traffic) -> site.kill(site.master(true))),

    EXACT_MASTER_KILLED(
            Mode.EXACT, "another master is killed", Kind.PASSING, (site, traffic) -> site.kill(site.master(false)));

    /** How pods subscribe to a Redis Cluster, as {@code sluice.feed.mode} says. */
    enum Mode {
        SHARDED,
        PATTERN,
        EXACT
    }

    /** From when recovery counts, and what may be lost. */
    enum Kind {
        /** It lasts; recovery counts from its end. */
        LASTING,
        /** It is instantaneous; recovery counts from then. */
        PASSING,
        /** It lasts, and nothing may be lost, signalled or not. */
        HARMLESS
    }

    /** What becomes of clients that ask to resume. */
    enum Resumption {
        /** All are resumed, and lose nothing. */
        ALWAYS,
        /** Some are resumed: those of channels that both pods have heard. */
        SOME,
        /** None is resumed. */
        NEVER,
        /** Clients may or may not resume. */
        EITHER
    }

    private static final Map<String, String> DRAIN = Map.of("SLUICE_DRAIN_DELAY", "2s", "SLUICE_DRAIN_PERIOD", "3s");

    private static final Map<String, String> STREAMS = Map.of(
            "SLUICE_ROUTES_RESULT_AUDIENCE", "subscribers",
            "SLUICE_ROUTES_RESULT_ACCESS", "open",
            "SLUICE_ROUTES_RESULT_SOURCE", "stream");

    private static final List<String> REDIS =
            List.of("--notify-keyspace-events", "Kt", "--appendonly", "yes", "--appendfsync", "everysec");

    /** The time after which each effect of a fault on a pod has begun to show. */
    private static final Duration REACTION = Duration.ofSeconds(3);

    private final Optional<Mode> mode;
    private final String description;
    private final Kind kind;
    private final Resumption resumption;
    private final UnaryOperator<Load> load;
    private final BiConsumer<Site, Traffic> happening;

    Fault(String description, Kind kind, BiConsumer<Site, Traffic> happening) {
        this(description, kind, UnaryOperator.identity(), happening);
    }

    Fault(String description, Kind kind, Resumption resumption, BiConsumer<Site, Traffic> happening) {
        this(description, kind, resumption, UnaryOperator.identity(), happening);
    }

    Fault(String description, Kind kind, UnaryOperator<Load> load, BiConsumer<Site, Traffic> happening) {
        this(description, kind, Resumption.EITHER, load, happening);
    }

    Fault(
            String description,
            Kind kind,
            Resumption resumption,
            UnaryOperator<Load> load,
            BiConsumer<Site, Traffic> happening) {
        this(Optional.empty(), description, kind, resumption, load, happening);
    }

    Fault(Mode mode, String description, Kind kind, BiConsumer<Site, Traffic> happening) {
        this(mode, description, kind, Resumption.EITHER, happening);
    }

    Fault(Mode mode, String description, Kind kind, Resumption resumption, BiConsumer<Site, Traffic> happening) {
        this(Optional.of(mode), description, kind, resumption, UnaryOperator.identity(), happening);
    }

    Fault(
            Optional<Mode> mode,
            String description,
            Kind kind,
            Resumption resumption,
            UnaryOperator<Load> load,
            BiConsumer<Site, Traffic> happening) {
        this.mode = mode;
        this.description = description;
        this.kind = kind;
        this.resumption = resumption;
        this.load = load;
        this.happening = happening;
    }

    /** Its name on the command line and in the table. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** All faults, of a Redis Cluster or of a single Redis. */
    static Set<Fault> all(boolean cluster) {
        Set<Fault> all = EnumSet.allOf(Fault.class);
        all.removeIf(fault -> fault.mode.isPresent() != cluster);
        return all;
    }

    /** Those of a quick run. */
    static Set<Fault> few(boolean cluster) {
        return cluster
                ? EnumSet.of(SHARDED_MASTER_KILLED, SHARDED_CLIENTS_CUT)
                : EnumSet.of(REDIS_KILLED, LINK_SWALLOWS, POD_KILLED, POD_TERMINATED);
    }

    /** Whether only clients of Centrifugo's protocol resume. */
    boolean isSharded() {
        return mode.equals(Optional.of(Mode.SHARDED));
    }

    String description() {
        return description;
    }

    Kind kind() {
        return kind;
    }

    Resumption resumption() {
        return resumption;
    }

    /** The site on which it happens. */
    Plan plan() {
        if (mode.isPresent()) {
            return Plan.ofCluster(2, DRAIN, mode.get().name().toLowerCase(Locale.ROOT));
        }
        Map<String, String> settings = new HashMap<>(STREAMS);
        settings.putAll(DRAIN);
        return new Plan(2, this == ROLLING_UPDATE ? 2 : 0, settings, REDIS);
    }

    /** The load during the fault; a Cluster has no streams. */
    Load load(int clients) {
        Load usual = Load.of(clients);
        return load.apply(mode.isPresent() ? usual : usual.withStreams());
    }

    /** Of the clients, in turn. */
    List<SluiceProtocol> protocols() {
        return mode.isPresent() ? List.of(SluiceProtocol.values()) : List.of(SluiceProtocol.V1, SluiceProtocol.V2);
    }

    /**
     * Injects the fault, and returns when it is over and has begun to show.
     *
     * @return the time from which recovery counts
     */
    long inject(Site site, Traffic traffic) {
        long begin = Books.now();
        happening.accept(site, traffic);
        long from = kind == Kind.PASSING ? begin : Books.now();
        Waiting.sleep(REACTION);
        return from;
    }

    private static void killPod(Site site) {
        site.pod().kill();
        Waiting.sleep(ofSeconds(3));
        site.pod().start();
    }

    private static void cutClients(Traffic traffic) {
        traffic.reset(Duration.ZERO, ofSeconds(2));
        Waiting.sleep(ofSeconds(2));
    }

    /** Lets this number of bad clients repeat a step for this time. */
    private static void misbehave(Site site, int clients, Step step, Duration time) {
        try (Attackers bad = Attackers.begin(clients, step, new Target(site.entrance(), Credentials::of))) {
            Waiting.sleep(time);
            bad.stop();
        }
    }
}
