package dev.sluice.integration;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.sluice.harness.Client;
import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Order(2)
@Execution(ExecutionMode.CONCURRENT)
class LifecycleIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    @Test
    void podIsUnreadyAtOnceAndAcceptsDuringTheDelayThenSpreadsClosesAndRefuses() {
        Map<String, String> config = Map.of("sluice.drain.delay", "12s", "sluice.drain.period", "10s");
        try (Pod pod = Pod.ready(STAGE.redis(), config);
                RawClient silent = RawClient.of(pod, "never answers")) {
            List<Client> clients = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                clients.add(Client.of(pod, "u" + i));
            }
            long terminated = System.nanoTime();
            pod.terminate();
            await("unready").until(() -> pod.status("/q/health/ready") == 503);
            assertThat(pod.status("/q/health/live")).isEqualTo(200);
            try (Client late = Client.of(pod, "late")) {
                STAGE.redis().publish("user:u0", "still");
                STAGE.redis().publish("user:late", "here");
                assertThat(clients.get(0).next()).isEqualTo("still");
                assertThat(late.next()).isEqualTo("here");
                await("refusal").until(() -> refusal(pod) == 503);
                long start = System.nanoTime();
                assertThat(start - terminated).isGreaterThan(TimeUnit.SECONDS.toNanos(12));
                await("the first").until(() -> pod.disconnects("going_away") > 0);
                List<Double> seconds = new ArrayList<>();
                List<Client> open = new ArrayList<>(clients);
                while (!open.isEmpty()) {
                    open.removeIf(client -> !client.isOpen() && seconds.add((System.nanoTime() - start) / 1e9));
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                }
                // Thirty moments in ten seconds are never all within two.
                assertThat(seconds.get(seconds.size() - 1) - seconds.get(0)).isGreaterThan(2);
                assertThat(clients).allMatch(client -> client.closeCode() == 1012);
                assertThat(late.closeCode()).isEqualTo(1012);
            }
            assertThat(pod.exit(Duration.ofSeconds(60))).isIn(0, 143);
            assertThat(silent.closeCode()).isEqualTo(1012);
        }
    }

    private static int refusal(Pod pod) {
        try {
            return Client.refusal(pod.webSocket("/ws"), Map.of());
        } catch (AssertionError accepted) {
            return 101;
        }
    }

    @Test
    void podNeedsTwoVariablesAndLogsUnreadOnesAndExitsAtOnceWithoutClients() {
        Map<String, String> environment = new HashMap<>(Map.of(
                "QUARKUS_REDIS_HOSTS",
                STAGE.redis().uri(),
                "MP_JWT_VERIFY_PUBLICKEY_LOCATION",
                Tokens.publicKeyFile().toString(),
                "SLUICE_ROUTES_TEAM_AUDIENCE",
                "subscribers",
                "SLUICE_ROUTES_TEAM_ACCESS",
                "open"));
        List<String> unread = List.of(
                "SLUICE_MAX_FRAMES",
                "SLUICE_ROUTES_MY_TEAM_AUDIENCE",
                "SLUICE_ROUTES_TEAM_AUDIENC",
                "sluice.limits.connection");
        unread.forEach(variable -> environment.put(variable, "a value that may be a secret"));
        try (Pod pod = Pod.launched(Map.of(), environment).awaitReady();
                Client client = Client.of(pod, "environment")) {
            STAGE.redis().publish("user:environment", "hello");
            assertThat(client.next()).isEqualTo("hello");
            client.send("{\"action\":\"subscribe\",\"channel\":\"team:red\"}");
            assertThat(client.next()).contains("subscribed");
            List<String> lines = pod.log()
                    .lines()
                    .filter(line -> line.contains(ConfigurationIT.UNREAD))
                    .toList();
            assertThat(lines).hasSize(1);
            assertThat(lines.get(0)).contains(" WARN ").contains(unread);
            assertThat(pod.log()).doesNotContain("may be a secret");
            client.leave();
            client.closeCode();
            pod.terminate();
            assertThat(pod.exit(Duration.ofSeconds(60))).isIn(0, 143);
        }
    }

    @Test
    void missingVerificationKeyFailsTheStartAndNamesTheSetting() {
        try (Pod pod = Pod.launched(Map.of("quarkus.redis.hosts", STAGE.redis().uri()), Map.of())) {
            assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
            assertThat(pod.log()).contains("mp.jwt.verify.publickey.location");
        }
    }

    @Tag("long")
    @Test
    void unreadableKeyFailsTheStart() {
        // Unit tests check contents, and the settings of key servers.
        Map<String, String> config = Map.of(
                "quarkus.redis.hosts", STAGE.redis().uri(), "mp.jwt.verify.publickey.location", "/nowhere/key.pem");
        try (Pod pod = Pod.launched(config, Map.of())) {
            assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
            assertThat(pod.log())
                    .contains(
                            "can't be read",
                            "mp.jwt.verify.publickey.location",
                            "/nowhere/key.pem is neither a file nor a URL");
        }
    }

    @Tag("long")
    @Test
    void missingRedisAddressFailsTheStartAndNamesTheSetting() {
        Map<String, String> config = Map.of(
                "mp.jwt.verify.publickey.location", Tokens.publicKeyFile().toString());
        try (Pod pod = Pod.launched(config, Map.of())) {
            assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
            assertThat(pod.log()).contains("quarkus.redis.hosts");
        }
    }

    /** Returns settings for each place that checks, and text of the message; unit tests check the values. */
    static List<Arguments> invalid() {
        return Histories.firstOf(List.of(
                arguments(
                        "sluice.auth.timeout=0s sluice.webhook.connect.url=ftp://example.org/",
                        "must be at least 1ms, is 0s"),
                arguments("sluice.outbox.wire=pigeon sluice.misspelt=1", "direct"),
                arguments("quarkus.http.limits.max-connections=50000", "sluice.limits.connections"),
                arguments("quarkus.http.http2=true", "must be false, is true"),
                arguments("quarkus.redis.feed.client-type=replication", "is not supported"),
                arguments("quarkus.redis.hosts=redis://:p%w@redis:6379", "an address is not a URL"),
                arguments("smallrye.jwt.verify.secretkey=secret", "mp.jwt.verify.publickey.location are set")));
    }

    @ParameterizedTest
    @MethodSource("invalid")
    void invalidConfigurationFailsTheStartWithItsKeysAndNoStackTrace(String settings, String why) {
        Map<String, String> config = new HashMap<>();
        config.put("quarkus.redis.hosts", STAGE.redis().uri());
        config.put("mp.jwt.verify.publickey.location", Tokens.publicKeyFile().toString());
        Map<String, String> invalid = Stream.of(settings.split(" "))
                .map(each -> each.split("="))
                .collect(toMap(each -> each[0], each -> each[1]));
        config.putAll(invalid);
        try (Pod pod = Pod.launched(config, Map.of())) {
            assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
            assertThat(pod.log()).contains(invalid.keySet()).contains(why).doesNotContain("\tat ");
        }
    }

    @Test
    void productionBuildExcludesDevMode() throws IOException {
        for (String path : new String[] {"/", "/demo/index.html", "/dev/token", "/dev/uploads"}) {
            assertThat(STAGE.pod().status(path)).as(path).isEqualTo(404);
        }
        Path packaged = Path.of("target", "quarkus-app");
        if (Files.exists(packaged)) {
            try (Stream<Path> files = Files.walk(packaged)) {
                assertThat(files.map(Path::toString)).noneMatch(file -> file.contains("embedded-redis"));
            }
            try (Stream<Path> jars = Files.list(packaged.resolve("app"));
                    JarFile jar = new JarFile(jars.findFirst().orElseThrow().toFile())) {
                assertThat(jar.stream().map(entry -> entry.getName()))
                        .contains("dev/sluice/Relay.class")
                        .noneMatch(entry -> entry.contains("demo") && !entry.endsWith("/"));
            }
        }
    }
}
