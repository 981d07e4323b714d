package dev.sluice.bench.trial;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.trial.Traffic.Destination;
import dev.sluice.harness.Fork;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import dev.sluice.harness.RedisCluster;
import dev.sluice.harness.TcpProxy;
import dev.sluice.harness.Waiting;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The servers of one trial: a Redis, pods that reach it through proxies, and a balancer before the pods. The Redis may be a Cluster, which
 * pods reach without proxies.
 */
public final class Site implements AutoCloseable {

    private final Path jar;
    private final Path logs;
    private final Map<String, String> settings;
    private final List<String> options;
    private final List<Replica> pods;
    private final List<Replica> spares;
    private final Optional<Shards> shards;
    private volatile Redis redis;
    private Redis replaced;
    private HttpServerProcess balancer;

    /**
     * The size of a site.
     *
     * @param pods that run from the beginning
     * @param spares places for pods that start later; the balancer knows them
     * @param settings of the pods that differ from the defaults, as environment variables
     * @param redis options of Redis
     * @param mode how pods subscribe to a Cluster; empty if they have a single Redis
     */
    public record Plan(int pods, int spares, Map<String, String> settings, List<String> redis, Optional<String> mode) {

        /** With a single Redis. */
        public Plan(int pods, int spares, Map<String, String> settings, List<String> redis) {
            this(pods, spares, settings, redis, Optional.empty());
        }

        /** With a Redis that stores nothing. */
        public Plan(int pods, int spares, Map<String, String> settings) {
            this(pods, spares, settings, List.of());
        }

        /** With a Cluster. */
        public static Plan ofCluster(int pods, Map<String, String> settings, String mode) {
            return new Plan(pods, 0, settings, List.of(), Optional.of(mode));
        }
    }

    private Site(Plan plan, Path jar, Path logs) {
        this.jar = jar;
        this.logs = logs;
        this.settings = plan.settings();
        this.options = plan.redis();
        this.shards = plan.mode().map(mode -> new Shards(mode, logs));
        this.redis = shards.map(those -> those.cluster.nodes().get(0)).orElseGet(() -> Sluice.redis(logs, options));
        List<Replica> all = IntStream.range(0, plan.pods() + plan.spares())
                .mapToObj(i -> new Replica(Character.toString('a' + i)))
                .toList();
        this.pods = all.subList(0, plan.pods());
        this.spares = all.subList(plan.pods(), all.size());
    }

    /** Starts all servers, and returns when they are ready. */
    public static Site start(Plan plan, Path jar, Path logs) {
        Site site = new Site(plan, jar, logs);
        try {
            CompletableFuture.allOf(site.pods.stream()
                            .map(pod -> CompletableFuture.runAsync(pod::start, start -> new Thread(start).start()))
                            .toArray(CompletableFuture<?>[]::new))
                    .join();
            site.balancer = site.startBalancer();
            return site;
        } catch (CompletionException e) {
            site.close();
            throw new IllegalStateException("the pods can't start", e.getCause());
        } catch (RuntimeException e) {
            site.close();
            throw e;
        }
    }

    /** The pod that a fault hits if it hits only one. */
    public Replica pod() {
        return pods.get(0);
    }

    /** The pods that run from the beginning. */
    public List<Replica> pods() {
        return pods;
    }

    /** The places for pods that start later. */
    public List<Replica> spares() {
        return spares;
    }

    public Redis redis() {
        return redis;
    }

    /** The Cluster, of which there must be one. */
    public RedisCluster cluster() {
        return shards.orElseThrow().cluster;
    }

    /** Where publishers find the current Redis, or the current master of a channel. */
    public Destination destination() {
        return shards.<Destination>map(those -> those).orElse(channel -> () -> redis.address());
    }

    /** The address to which clients connect. */
    public InetSocketAddress entrance() {
        return balancer.address();
    }

    /** Whether all started pods are ready. */
    public boolean isReady() {
        return Stream.concat(pods.stream(), spares.stream())
                .filter(pod -> pod.started)
                .allMatch(pod -> HttpServerProcess.isReady(Sluice.readiness(pod.management)));
    }

    /** Starts Redis again at the same address; only streams are kept, if its options say so. */
    public void startRedis() {
        redis.startAgain();
    }

    /** Has Redis close the connections of all pods. */
    public void killConnections(Redis.Admin by) {
        pods.forEach(pod -> pod.link.addresses().forEach(address -> by.command("CLIENT", "KILL", "ADDR", address)));
    }

    /**
     * A master of the Cluster.
     *
     * @param subscribed whether it is the one to which the pods subscribe, or another one
     */
    public Redis master(boolean subscribed) {
        return cluster().masters().stream()
                .filter(node -> isSubscribed(node) == subscribed)
                .findFirst()
                .orElseThrow();
    }

    private static boolean isSubscribed(Redis node) {
        return node.patterns() > 0 || !((List<?>) node.reply("PUBSUB", "CHANNELS", "upload:*")).isEmpty();
    }

    /** Kills a master of the Cluster with -9, and returns when its replica has replaced it. */
    public void kill(Redis master) {
        master.kill();
        cluster().awaitMasters();
    }

    /** Freezes Redis permanently; its address leads to another one, as after a failover that moves an address. */
    public void replaceRedis() {
        replaced = redis;
        replaced.freeze();
        redis = Sluice.redis(logs, options);
        pods.forEach(pod -> pod.link.leadTo(redis.port()));
    }

    @Override
    public void close() {
        if (balancer != null) {
            balancer.close();
        }
        pods.forEach(Replica::close);
        spares.forEach(Replica::close);
        shards.ifPresentOrElse(Shards::close, redis::close);
        if (replaced != null) {
            replaced.close();
        }
    }

    /** Starts HAProxy, which sends new connections to pods that are ready. */
    private HttpServerProcess startBalancer() {
        int port = Ports.free();
        String servers = Stream.concat(pods.stream(), spares.stream())
                .map(pod -> "  server " + pod.name + " 127.0.0.1:" + pod.port + " check port " + pod.management)
                .collect(Collectors.joining("\n"));
        Path file = logs.resolve("haproxy.cfg");
        try {
            // Buffers are small, so that the pod soon notices a client that does not read.
            Files.writeString(file, """
                global
                  maxconn 6000
                  nbthread 1
                  tune.sndbuf.client 16384
                  tune.rcvbuf.server 16384
                defaults
                  mode http
                  retries 3
                  option redispatch
                  timeout connect 10s
                  timeout client 60s
                  timeout server 60s
                  timeout tunnel 1h
                frontend clients
                  bind 127.0.0.1:%d
                  monitor-uri /balancer
                  monitor fail unless { nbsrv(pods) eq %d }
                  default_backend pods
                backend pods
                  balance leastconn
                  option httpchk GET /q/health/ready
                  default-server inter 1s fall 2 rise 1
                %s
                """.formatted(port, pods.size(), servers));
        } catch (IOException e) {
            throw new IllegalStateException("can't write " + file, e);
        }
        List<String> command = List.of("haproxy", "-db", "-f", file.toString());
        return HttpServerProcess.start(
                command, Map.of(), port, Ports.http(port, "/balancer"), logs.resolve("haproxy.log"));
    }

    /** A Cluster, and which of its masters serves which slot: a thread asks, so that publishers do not wait. */
    private static final class Shards implements Destination, AutoCloseable {

        private static final Duration BETWEEN = Duration.ofMillis(100);

        private final String mode;
        private final RedisCluster cluster;
        private volatile NavigableMap<Integer, InetSocketAddress> masters;
        private volatile boolean closed;

        Shards(String mode, Path logs) {
            Fork.useFolder(logs);
            this.mode = mode;
            this.cluster = RedisCluster.start();
            this.masters = ask();
            new Thread(this::follow).start();
        }

        private NavigableMap<Integer, InetSocketAddress> ask() {
            NavigableMap<Integer, InetSocketAddress> asked = new TreeMap<>();
            cluster.owners().forEach((slot, master) -> asked.put(slot, master.address()));
            return asked;
        }

        private void follow() {
            while (!closed) {
                try {
                    masters = ask();
                } catch (RuntimeException e) {
                    // The node that was asked may just die.
                }
                Waiting.sleep(BETWEEN);
            }
        }

        String uris() {
            return cluster.uris();
        }

        Map<String, String> settings() {
            return Map.of("QUARKUS_REDIS_CLIENT_TYPE", "cluster", "SLUICE_FEED_MODE", mode);
        }

        @Override
        public Supplier<InetSocketAddress> of(String channel) {
            int slot = cluster.slot(channel);
            return () -> masters.floorEntry(slot).getValue();
        }

        @Override
        public List<String> command(List<String> usual) {
            return mode.equals("sharded") ? List.of("SPUBLISH", usual.get(1), usual.get(2)) : usual;
        }

        @Override
        public void close() {
            closed = true;
            cluster.close();
        }
    }

    /** A place for pods, one after the other: each has the same ports and the same proxy before Redis. */
    public final class Replica implements AutoCloseable {

        private static final Duration LONGEST_END = Duration.ofSeconds(60);

        private final int port = Ports.free();
        private final int management = Ports.free();
        private final TcpProxy link = new TcpProxy(redis.port());
        private final String name;
        private int starts;
        /** Whether a pod runs, or should: it was started, and has not been asked to end. */
        private volatile boolean started;

        private Optional<Pod> pod = Optional.empty();

        private Replica(String name) {
            this.name = name;
        }

        public String name() {
            return name;
        }

        /** The proxy between this pod and Redis. */
        public TcpProxy link() {
            return link;
        }

        /** Starts a pod, and returns when it is ready. */
        public void start() {
            started = true;
            ProcessBuilder builder = new ProcessBuilder(Sluice.command(List.of("-Xmx256m", "-XX:+UseSerialGC"), jar));
            builder.environment()
                    .putAll(Sluice.environment(
                            port, management, shards.map(Shards::uris).orElseGet(link::redisUri)));
            // A machine that pauses must not make the auth messages of well-behaved clients late.
            builder.environment().put("SLUICE_AUTH_TIMEOUT", "30s");
            builder.environment().putAll(settings);
            shards.ifPresent(those -> builder.environment().putAll(those.settings()));
            Pod launched = Pod.launched(builder, logs.resolve("pod-" + name + "-" + ++starts + ".log"));
            pod = Optional.of(launched);
            launched.awaitReady();
        }

        /** Ends the pod with SIGKILL. */
        public void kill() {
            started = false;
            pod.ifPresent(Pod::close);
        }

        /** Ends the pod with SIGTERM, and returns when it has ended. */
        public void terminate() {
            started = false;
            pod.ifPresent(running -> {
                running.terminate();
                running.exit(LONGEST_END);
                running.close();
            });
        }

        @Override
        public void close() {
            kill();
            link.close();
        }
    }
}
