package dev.sluice.bench.ledger;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;

import dev.sluice.bench.ledger.Ledger.Scene;
import dev.sluice.bench.trial.Listener.Jitter;
import dev.sluice.bench.trial.RollingUpdate;
import dev.sluice.bench.trial.Traffic.Load;
import dev.sluice.harness.Redis;
import dev.sluice.harness.RedisCluster;
import dev.sluice.harness.attack.BadClients;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** The faults. */
enum Fault {
    NONE("nothing, for comparison", Kind.HARMLESS, scene -> scene.last(ofSeconds(8))),

    REDIS_KILLED("Redis is killed with -9, and started again after 3 s", Kind.LASTING, scene -> {
        scene.site().redis().close();
        scene.last(ofSeconds(3));
        scene.site().startRedis();
    }),

    REDIS_FROZEN("Redis is frozen with SIGSTOP for 8 s; publications wait in its sockets", Kind.LASTING, scene -> {
        scene.site().redis().freeze();
        scene.last(ofSeconds(8));
        scene.site().redis().thaw();
    }),

    REDIS_HICCUP("Redis is frozen for 1.5 s, which pods tolerate", Kind.LASTING, scene -> {
        scene.site().redis().freeze();
        scene.last(ofMillis(1500));
        scene.site().redis().thaw();
    }),

    REDIS_RESTARTED("Redis is stopped with SIGTERM and at once started again", Kind.PASSING, scene -> {
        scene.site().redis().terminate();
        scene.site().startRedis();
    }),

    REDIS_REPLACED(
            "Redis is frozen permanently and replaced at its address; publishers use the new one at once",
            Kind.PASSING,
            scene -> {
                scene.site().replaceRedis();
                scene.traffic().reconnectPublishers();
            }),

    CONNECTIONS_KILLED("`CLIENT KILL` of all connections of both pods", Kind.PASSING, Scene::killConnections),

    OUT_OF_CLIENTS("the same, and no new ones for 6 s: `maxclients` is reached", Kind.LASTING, scene -> {
        scene.control().command("CONFIG", "SET", "maxclients", "1");
        scene.killConnections();
        scene.last(ofSeconds(6));
        scene.control().command("CONFIG", "SET", "maxclients", "10000");
    }),

    LINK_CUT(
            "the connections of one pod to Redis are reset",
            Kind.PASSING,
            scene -> scene.site().pod().link().cut()),

    LINK_SWALLOWS("data between one pod and Redis is lost for 8 s, without a reset", Kind.LASTING, scene -> {
        scene.site().pod().link().swallow();
        scene.last(ofSeconds(8));
        scene.site().pod().link().heal();
    }),

    LINK_SLOW("200 ms more between Redis and both pods, for 8 s", Kind.LASTING, scene -> {
        scene.site().pods().forEach(pod -> pod.link().slowDown(ofMillis(200), 64 * 1024));
        scene.last(ofSeconds(8));
        scene.site().pods().forEach(pod -> pod.link().heal());
    }),

    LINK_THROTTLED("one pod's link to Redis carries less than is published, for 15 s", Kind.LASTING, scene -> {
        scene.site().pod().link().slowDown(ofMillis(100), 2 * 1024);
        scene.last(ofSeconds(15));
        scene.site().pod().link().heal();
    }),

    POD_KILLED("a pod is killed with -9, and started again after 3 s", Kind.PASSING, Resumption.ALWAYS, scene -> {
        scene.site().pod().kill();
        scene.last(ofSeconds(3));
        scene.site().pod().start();
    }),

    POD_TERMINATED("a pod is stopped with SIGTERM, and then started again", Kind.PASSING, Resumption.ALWAYS, scene -> {
        scene.site().pod().terminate();
        scene.site().pod().start();
    }),

    CLIENTS_CUT(
            "the connections of all clients are reset at once; each reconnects within 2 s",
            Kind.PASSING,
            Resumption.ALWAYS,
            scene -> {
                scene.traffic().reset(Duration.ZERO, ofSeconds(2));
                scene.last(ofSeconds(2));
            }),

    CLIENTS_JITTER(
            "each client loses its network for 2 s every 5 to 10 s, for a minute",
            Kind.LASTING,
            Resumption.ALWAYS,
            scene -> {
                scene.traffic().beginJitter(Jitter.EITHER);
                scene.last(ofSeconds(60));
                scene.traffic().endJitter();
            }),

    CLIENTS_CUT_POD_KILLED("`clients-cut`, and a second later `pod-killed`", Kind.PASSING, Resumption.ALWAYS, scene -> {
        scene.traffic().reset(Duration.ZERO, ofSeconds(2));
        scene.last(ofSeconds(1));
        scene.site().pod().kill();
        scene.last(ofSeconds(3));
        scene.site().pod().start();
    }),

    CLIENTS_CUT_REDIS_RESTARTED(
            "`clients-cut`; before the first reconnects, Redis is restarted", Kind.PASSING, Resumption.NEVER, scene -> {
                scene.traffic().reset(ofSeconds(3), ofSeconds(8));
                scene.site().redis().terminate();
                scene.site().startRedis();
                scene.last(ofSeconds(8));
            }),

    ROLLING_UPDATE(
            "both pods are replaced, one by one, as a Deployment does it",
            Kind.LASTING,
            Resumption.ALWAYS,
            scene -> new RollingUpdate(scene.site()).run()),

    CLIENTS_RESET("50 more clients a second subscribe and reset, for 10 s", Kind.HARMLESS, scene -> {
        scene.with(BadClients.AT_ONCE, BadClients::reset, ofSeconds(10));
    }),

    CLIENTS_STALLED(
            "30 more clients subscribe to everything and never read; payloads of 16 KB, for a third of the clients",
            Kind.HARMLESS,
            Load::large,
            scene -> {
                scene.with(30, BadClients::stall, ofSeconds(15));
            }),

    CLIENTS_FROZEN(
            "a tenth of the clients reads nothing for 15 s; payloads as before", Kind.LASTING, Load::large, scene -> {
                scene.traffic().stopReading();
                scene.last(ofSeconds(15));
                scene.traffic().readAgain();
            }),

    CLIENTS_RUBBISH("50 more clients a second send invalid messages, for 10 s", Kind.HARMLESS, scene -> {
        scene.with(BadClients.AT_ONCE, BadClients::sendGarbage, ofSeconds(10));
    }),

    SHARDED_MASTER_KILLED(
            Mode.SHARDED,
            "a master is killed",
            Kind.PASSING,
            scene -> scene.kill(scene.site().cluster().masters().get(0))),

    SHARDED_SLOTS_MOVED(Mode.SHARDED, "`redis-cli` moves 1,500 slots", Kind.LASTING, scene -> {
        List<Redis> masters = scene.site().cluster().masters();
        scene.site().cluster().reshard(masters.get(0), masters.get(1), 1500);
    }),

    SHARDED_NODE_ADDED(Mode.SHARDED, "the same, to a new master", Kind.LASTING, scene -> {
        RedisCluster cluster = scene.site().cluster();
        Redis from = cluster.masters().get(0);
        cluster.reshard(from, cluster.addNode(), 1500);
    }),

    PATTERN_NODE_KILLED(
            Mode.PATTERN, "the pods' node is killed", Kind.PASSING, scene -> scene.kill(scene.master(true))),

    PATTERN_MASTER_KILLED(
            Mode.PATTERN, "another master is killed", Kind.PASSING, scene -> scene.kill(scene.master(false))),

    EXACT_NODE_KILLED(Mode.EXACT, "the pods' node is killed", Kind.PASSING, scene -> scene.kill(scene.master(true))),

    EXACT_MASTER_KILLED(Mode.EXACT, "another master is killed", Kind.PASSING, scene -> scene.kill(scene.master(false)));

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
        /** None is resumed. */
        NEVER,
        /** Clients may or may not resume. */
        EITHER
    }

    private final Optional<Mode> mode;
    private final String description;
    private final Kind kind;
    private final Resumption resumption;
    private final UnaryOperator<Load> load;
    private final Consumer<Scene> happening;

    Fault(String description, Kind kind, Consumer<Scene> happening) {
        this(description, kind, UnaryOperator.identity(), happening);
    }

    Fault(String description, Kind kind, Resumption resumption, Consumer<Scene> happening) {
        this(description, kind, resumption, UnaryOperator.identity(), happening);
    }

    Fault(String description, Kind kind, UnaryOperator<Load> load, Consumer<Scene> happening) {
        this(description, kind, Resumption.EITHER, load, happening);
    }

    Fault(String description, Kind kind, Resumption resumption, UnaryOperator<Load> load, Consumer<Scene> happening) {
        this(Optional.empty(), description, kind, resumption, load, happening);
    }

    Fault(Mode mode, String description, Kind kind, Consumer<Scene> happening) {
        this(Optional.of(mode), description, kind, Resumption.EITHER, UnaryOperator.identity(), happening);
    }

    Fault(
            Optional<Mode> mode,
            String description,
            Kind kind,
            Resumption resumption,
            UnaryOperator<Load> load,
            Consumer<Scene> happening) {
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

    /** How pods subscribe to a Redis Cluster; empty if there is a single Redis. */
    Optional<Mode> mode() {
        return mode;
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

    /** Pods that are not started before the fault. */
    int spares() {
        return this == ROLLING_UPDATE ? 2 : 0;
    }

    /** The load during the fault. */
    Load load(Load usual) {
        return load.apply(usual);
    }

    /** Injects the fault, and returns when it is over. */
    void inject(Scene scene) {
        happening.accept(scene);
    }
}
