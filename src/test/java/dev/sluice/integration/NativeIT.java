package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Fork;
import dev.sluice.harness.Pod;
import dev.sluice.registry.LingeringSubscriptions;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Tests with the jar that classes loaded by name are registered for a native executable. */
class NativeIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    /** Caffeine has a class for each combination of cache features, and finds it by name. */
    private static final Pattern KIND_OF_CACHE =
            Pattern.compile("com\\.github\\.benmanes\\.caffeine\\.cache\\.[SWPF][SWID][SLAWRM]*(?![A-Za-z$.])");

    @Tag("long")
    @Test
    void usedCacheClassesAreRegistered() throws Exception {
        assumeThat(Pod.isNative()).as("only a JVM reports the classes it loads").isFalse();
        Path loaded = Fork.file("loaded-classes.log");
        Map<String, String> everything = Map.of(
                "sluice.routes.team.audience", "subscribers",
                "sluice.routes.team.access", "webhook",
                "sluice.webhook.url", "http://localhost:1/",
                "sluice.control.secret", "a secret that all pods have, 32 bytes or more");
        try (Pod pod = Pod.ready(STAGE.redis(), everything, List.of("-Xlog:class+load:file=" + loaded));
                Client client = Client.of(pod, "7")) {
            client.subscribe(Stage.upload());
        }
        Set<String> used = kinds(Files.readString(loaded));
        for (String kind : Set.copyOf(used)) {
            used.remove(Class.forName(kind, false, getClass().getClassLoader())
                    .getSuperclass()
                    .getName());
        }
        assertThat(used).contains("com.github.benmanes.caffeine.cache.SSMWW");
        assertThat(registered()).containsAll(used);
    }

    /** Returns the classes that Quarkus, in a list that is not public, and Sluice register. */
    private static Set<String> registered() throws IOException {
        String feature = "/io/quarkus/caffeine/runtime/graal/CacheConstructorsFeature.class";
        Set<String> all = new HashSet<>();
        try (InputStream bytes = NativeIT.class.getResourceAsStream(feature)) {
            all.addAll(kinds(new String(bytes.readAllBytes(), StandardCharsets.ISO_8859_1)));
        }
        all.addAll(List.of(LingeringSubscriptions.class
                .getAnnotation(RegisterForReflection.class)
                .classNames()));
        return all;
    }

    private static Set<String> kinds(String text) {
        return KIND_OF_CACHE.matcher(text).results().map(MatchResult::group).collect(Collectors.toSet());
    }
}
