package dev.sluice.bench.site;

import dev.sluice.bench.process.BenchFailure;
import dev.sluice.bench.process.Ports;
import dev.sluice.bench.process.RedisServer;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;

/** Everything between publishers and clients, of one trial. */
public final class Site implements AutoCloseable {

    private final Path logs;
    private final List<Pod> pods;
    private final List<Pod> spares;
    private volatile RedisServer redis;
    private RedisServer replaced;
    private Balancer balancer;
    private int redisStarts;

    private Site(Plan plan, Path jar, Path logs) {
        this.logs = logs;
        this.redis = RedisServer.start(redisLog());
        List<Pod> all = IntStream.range(0, plan.pods() + plan.spares())
                .mapToObj(i -> new Pod(Character.toString('a' + i), jar, redis.port(), plan.settings(), logs))
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
            throw new BenchFailure("the pods can't start", e.getCause());
        } catch (BenchFailure e) {
            site.close();
            throw e;
        }
    }

    /** The pod that is hit where only one is. */
    public Pod pod() {
        return pods.get(0);
    }

    /** Those that were started. */
    public List<Pod> pods() {
        return pods;
    }

    /** Those that were not. */
    public List<Pod> spares() {
        return spares;
    }

    public RedisServer redis() {
        return redis;
    }

    public RedisControl control() {
        return new RedisControl(redis.address());
    }

    /** Where publishers find Redis now. */
    public InetSocketAddress redisAddress() {
        return redis.address();
    }

    /** Where clients connect to. */
    public InetSocketAddress entrance() {
        return balancer.address();
    }

    /** Whether all pods that were started say so. */
    public boolean isReady() {
        return pods.stream().allMatch(Pod::isReady);
    }

    /** Starts Redis again at the address where it was, with nothing of what it had. */
    public void startRedis() {
        redis = RedisServer.start(redis.port(), redisLog());
    }

    /** Freezes Redis for ever; its address leads to another one, as after a failover that moves an address. */
    public void replaceRedis() {
        replaced = redis;
        replaced.freeze();
        redis = RedisServer.start(Ports.free(), redisLog());
        pods.forEach(pod -> pod.link().leadTo(redis.port()));
    }

    @Override
    public void close() {
        if (balancer != null) {
            balancer.close();
        }
        pods.forEach(Pod::close);
        spares.forEach(Pod::close);
        redis.close();
        if (replaced != null) {
            replaced.close();
        }
    }

    private Path redisLog() {
        return logs.resolve("redis-" + ++redisStarts + ".log");
    }
}
