package dev.sluice.wire;

import java.util.Map;

/** A Redis and a pod with the configuration they come with, shared by the tests that leave them as they were. */
final class Stage {

    static final Redis REDIS = Redis.start();
    static final Pod POD = Pod.ready(REDIS, Map.of("sluice.auth.timeout", "1s"));

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                POD.close();
            } finally {
                REDIS.close();
            }
        }));
    }

    private Stage() {}
}
