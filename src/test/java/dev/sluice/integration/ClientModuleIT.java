package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Runs the JavaScript tests of the client module against a pod. */
@Order(1)
class ClientModuleIT {

    private static final String SECRET = "a secret of the tests only, long enough";
    private static final Map<String, String> CONFIG = Map.of(
            "mp.jwt.verify.publickey.location", "NONE",
            "smallrye.jwt.verify.secretkey", SECRET,
            "smallrye.jwt.verify.algorithm", "HS256",
            "mp.jwt.verify.clock.skew", "1",
            "sluice.auth.timeout", "5s",
            "sluice.heartbeat.interval", "2s",
            "sluice.routes.upload.presence", "true",
            "sluice.presence.grace", "1s",
            "sluice.routes.team.audience", "subscribers",
            "sluice.routes.team.access", "claim");

    @Test
    void clientModuleTestsPass() {
        Program npm = Program.ofNode("npm", Path.of("client"));
        Map<String, String> shortLived = new HashMap<>(CONFIG);
        shortLived.put("sluice.connections.max-age", "2s");
        try (Redis redis = Redis.start();
                Pod pod = Pod.started(redis, CONFIG);
                Pod other = Pod.ready(redis, shortLived)) {
            pod.awaitReady();
            String said = npm.with(Map.of(
                            "SLUICE_PORT", String.valueOf(pod.port()),
                            "SLUICE_SHORT_LIVED_PORT", String.valueOf(other.port()),
                            "REDIS_PORT", String.valueOf(redis.port()),
                            "TOKEN_SECRET", SECRET))
                    .run("test");
            assertThat(said).containsPattern("(?m)^# pass [1-9]").doesNotContain("# SKIP");
        }
    }
}
