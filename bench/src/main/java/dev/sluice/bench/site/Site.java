package dev.sluice.bench.site;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Server;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Everything between publishers and clients, of one trial. */
public final class Site implements AutoCloseable {

    private final Path logs;
    private final List<Replica> pods;
    private final List<Replica> spares;
    private volatile Redis redis;
    private Redis replaced;
    private Balancer balancer;

    private Site(Plan plan, Path jar, Path logs) {
        this.logs = logs;
        this.redis = Sluice.redis(logs);
        List<Replica> all = IntStream.range(0, plan.pods() + plan.spares())
                .mapToObj(i -> new Replica(Character.toString('a' + i), jar, redis.port(), plan.settings(), logs))
                .toList();
        this.pods = all.subList(0, plan.pods());
        this.spares = all.subList(plan.pods(), all.size());
    }

    /** Started, and ready. */
    public static Site start(Plan plan, Path jar, Path logs) {
        Site site = new Site(plan, jar, logs);
        try {
            CompletableFuture.allOf(site.pods.stream()
                            .map(pod -> CompletableFuture.runAsync(pod::start, start -> new Thread(start).start()))
                            .toArray(CompletableFuture<?>[]::new))
                    .join();
            site.balancer = Balancer.start(site.pods, site.spares, logs);
            return site;
        } catch (CompletionException e) {
            site.close();
            throw new IllegalStateException("the pods can't start", e.getCause());
        } catch (RuntimeException e) {
            site.close();
            throw e;
        }
    }

    /** The pod that is hit where only one is. */
    public Replica pod() {
        return pods.get(0);
    }

    /** Those that were started. */
    public List<Replica> pods() {
        return pods;
    }

    /** Those that were not. */
    public List<Replica> spares() {
        return spares;
    }

    public Redis redis() {
        return redis;
    }

    public Redis.Admin control() {
        return redis.admin();
    }

    /** Where publishers find Redis now. */
    public InetSocketAddress redisAddress() {
        return redis.address();
    }

    /** Where clients connect to. */
    public InetSocketAddress entrance() {
        return balancer.address();
    }

    /** Whether all pods that should run say so. */
    public boolean isReady() {
        return Stream.concat(pods.stream(), spares.stream())
                .filter(Replica::isStarted)
                .allMatch(Replica::isReady);
    }

    /** Starts Redis again at the address where it was, with nothing of what it had. */
    public void startRedis() {
        redis.startAgain();
    }

    /** Freezes Redis for ever; its address leads to another one, as after a failover that moves an address. */
    public void replaceRedis() {
        replaced = redis;
        replaced.freeze();
        redis = Sluice.redis(logs);
        pods.forEach(pod -> pod.link().leadTo(redis.port()));
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

    /**
     * What stands between publishers and clients.
     *
     * @param pods that run from the beginning
     * @param spares pods that the balancer looks out for, and that somebody else may start
     * @param settings of the pods that differ from the defaults, as environment variables
     */
    public record Plan(int pods, int spares, Map<String, String> settings) {}

    /** HAProxy, as one would put it before pods: new connections go to those that say they are ready. */
    static final class Balancer implements AutoCloseable {

        /** Buffers are small, so that a client that does not read is soon felt by its pod. */
        private static final String CONFIGURATION = """
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
                  option httpchk GET %s
                  default-server inter 1s fall 2 rise 1
                %s
                """;

        private final Server process;

        private Balancer(Server process) {
            this.process = process;
        }

        /**
         * Returns once it knows who is there and who is not.
         *
         * @param pods that are ready
         * @param spares that may be later
         */
        static Balancer start(List<Replica> pods, List<Replica> spares, Path logs) {
            int port = Ports.free();
            String servers = Stream.concat(pods.stream(), spares.stream())
                    .map(pod ->
                            "  server " + pod.name() + " 127.0.0.1:" + pod.port() + " check port " + pod.management())
                    .collect(Collectors.joining("\n"));
            Path file = logs.resolve("haproxy.cfg");
            try {
                Files.writeString(file, CONFIGURATION.formatted(port, pods.size(), "/q/health/ready", servers));
            } catch (IOException e) {
                throw new IllegalStateException("can't write " + file, e);
            }
            List<String> command = List.of("haproxy", "-db", "-f", file.toString());
            return new Balancer(
                    Server.start(command, Map.of(), port, Ports.http(port, "/balancer"), logs.resolve("haproxy.log")));
        }

        InetSocketAddress address() {
            return process.address();
        }

        @Override
        public void close() {
            process.close();
        }
    }
}
