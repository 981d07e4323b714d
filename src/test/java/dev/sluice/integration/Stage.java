package dev.sluice.integration;

import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** A Redis and a pod with default configuration, shared by tests that change neither. */
final class Stage {

    static final Redis REDIS = Redis.start();
    static final Pod POD = shared(Way.DIRECT);

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(REDIS::close));
    }

    private static final AtomicInteger UPLOADS = new AtomicInteger();

    /** The same with the standard wire; started on first use. */
    static final class Standard {
        static final Pod POD = shared(Way.STANDARD);

        private Standard() {}
    }

    private Stage() {}

    /** Returns the id of a new upload, without a retained publication. */
    static String upload() {
        return "upload-" + UPLOADS.incrementAndGet();
    }

    private static Pod shared(Way way) {
        Pod pod = Pod.ready(REDIS, way.with(Map.of("sluice.auth.timeout", "3s")));
        Runtime.getRuntime().addShutdownHook(new Thread(pod::close));
        return pod;
    }
}
