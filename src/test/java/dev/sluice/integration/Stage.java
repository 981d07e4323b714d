package dev.sluice.integration;

import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A Redis, and pods with usual configurations, for tests that change neither. A test class takes one, has it for itself
 * while it runs, and gives it back by closing it; the next class gets it as it is. Thread-safe.
 */
final class Stage implements AutoCloseable {

    /** What is off by default, and changes nothing for clients that do not use it. Classes share one such pod by a lock. */
    static final Map<String, String> OPTIONS = Map.of(
            "mp.jwt.token.header", "Cookie",
            "mp.jwt.token.cookie", "session",
            "quarkus.log.category.\"dev.sluice\".level", "DEBUG",
            "sluice.auth.on-expiry", "keep",
            "sluice.compression.enabled", "true",
            "sluice.control.secret", "a secret of the tests, which is long enough",
            "sluice.routes.team.audience", "subscribers",
            "sluice.routes.team.access", "claim");

    private static final Deque<Equipment> FREE = new ArrayDeque<>();
    private static final AtomicInteger UPLOADS = new AtomicInteger();

    private final boolean withPods;
    private @Nullable Equipment equipment;

    private Stage(boolean withPods) {
        this.withPods = withPods;
    }

    /** Returns a stage, whose processes are started on first use unless another class has given them back. */
    static Stage take() {
        return new Stage(true);
    }

    /** The same for a class that uses only the Redis, so that it keeps no pod from the classes that use one. */
    static Stage takeRedis() {
        return new Stage(false);
    }

    /** Returns the id of a new upload, without a retained publication. */
    static String upload() {
        return "upload-" + UPLOADS.incrementAndGet();
    }

    Redis redis() {
        return equipment(Map.of()).redis;
    }

    Pod pod() {
        return pod(PodVariant.DIRECT);
    }

    /** Returns the usual pod of this variant. */
    Pod pod(PodVariant variant) {
        return pod(variant.with(Map.of("sluice.auth.timeout", "10s", "sluice.routes.upload.presence", "true")));
    }

    /** Returns the pod with this configuration, which other classes use, too. */
    Pod pod(Map<String, String> config) {
        return equipment(config).pod(config);
    }

    private synchronized Equipment equipment(Map<String, String> config) {
        Equipment taken = equipment == null ? free(config) : equipment;
        equipment = taken;
        return taken;
    }

    /** Returns free processes, if possible with a pod of this configuration, and then those with most pods. */
    private Equipment free(Map<String, String> config) {
        synchronized (FREE) {
            Equipment free = FREE.stream()
                    .filter(each -> each.pods.isEmpty() != withPods)
                    .max(Comparator.comparing((Equipment each) -> each.pods.containsKey(config))
                            .thenComparingInt(each -> each.pods.size()))
                    .orElse(null);
            FREE.remove(free);
            return free == null ? new Equipment() : free;
        }
    }

    @Override
    public synchronized void close() {
        Equipment used = equipment;
        equipment = null;
        if (used != null) {
            used.assertQuiet();
            synchronized (FREE) {
                FREE.add(used);
            }
        }
    }

    /** The processes of a stage. */
    private static final class Equipment {

        private final Redis redis = Redis.start();
        private final Map<Map<String, String>, Pod> pods = new ConcurrentHashMap<>();

        Equipment() {
            Runtime.getRuntime().addShutdownHook(new Thread(this::end));
        }

        Pod pod(Map<String, String> config) {
            return pods.computeIfAbsent(config, x -> Pod.ready(redis, config));
        }

        void assertQuiet() {
            pods.values().forEach(Pod::assertQuiet);
        }

        private void end() {
            pods.values().forEach(Pod::close);
            redis.close();
        }
    }
}
