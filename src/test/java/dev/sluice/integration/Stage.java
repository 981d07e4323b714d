package dev.sluice.integration;

import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** A Redis and a pod with the configuration they come with, shared by the tests that leave them as they were. */
final class Stage {

    static final Redis REDIS = Redis.start();
    static final Pod POD = shared(Way.DIRECT);

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(REDIS::close));
    }

    private static final AtomicInteger UPLOADS = new AtomicInteger();

    /** The same with the other way to the sockets; started for those who ask. */
    static final class Standard {
        static final Pod POD = shared(Way.STANDARD);

        private Standard() {}
    }

    private Stage() {}

    /** The id of an upload nobody has published to: what is retained of it is the test's own. */
    static String upload() {
        return "upload-" + UPLOADS.incrementAndGet();
    }

    private static Pod shared(Way way) {
        Pod pod = Pod.ready(REDIS, way.with(Map.of("sluice.auth.timeout", "3s")));
        Runtime.getRuntime().addShutdownHook(new Thread(pod::close));
        return pod;
    }
}
