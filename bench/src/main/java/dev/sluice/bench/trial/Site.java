package dev.sluice.bench.trial;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import dev.sluice.harness.TcpProxy;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The servers of one trial: a Redis, pods that reach it through proxies, and a balancer before the pods. */
public final class Site implements AutoCloseable {

    private final Path jar;
    private final Path logs;
    private final Map<String, String> settings;
    private final List<String> options;
    private final List<Replica> pods;
    private final List<Replica> spares;
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
     */
    public record Plan(int pods, int spares, Map<String, String> settings, List<String> redis) {

        /** With a Redis that stores nothing. */
        public Plan(int pods, int spares, Map<String, String> settings) {
            this(pods, spares, settings, List.of());
        }
    }

    private Site(Plan plan, Path jar, Path logs) {
        this.jar = jar;
        this.logs = logs;
        this.settings = plan.settings();
        this.options = plan.redis();
        this.redis = Sluice.redis(logs, options);
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

    /** The address at which publishers find the current Redis. */
    public InetSocketAddress redisAddress() {
        return redis.address();
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
        redis.close();
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
                  timeout connect 2s
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
            builder.environment().putAll(Sluice.environment(port, management, link.redisUri()));
            builder.environment().putAll(settings);
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
