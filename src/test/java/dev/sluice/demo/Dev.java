package dev.sluice.demo;

import io.quarkus.test.junit.QuarkusTestProfile;
import java.nio.file.Path;
import java.util.Map;

/** The application in the profile "dev", with a Redis. Its tests share one, because a start takes seconds. */
public final class Dev implements QuarkusTestProfile {

    static final Path LOG = Path.of("target", "dev-mode.log");

    @Override
    public String getConfigProfile() {
        return "dev";
    }

    @Override
    public Map<String, String> getConfigOverrides() {
        return Map.of("quarkus.log.file.enabled", "true", "quarkus.log.file.path", LOG.toString());
    }
}
