package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Fork;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Execution(ExecutionMode.CONCURRENT)
class LifecycleIT {

    private static final String EITHER = "(epoll|Java's NIO)";

    @Test
    void clientsAreClosedWith1012AndTheProcessExits() {
        try (Pod pod = Pod.ready(Stage.REDIS, Map.of("sluice.drain.period", "1s"))) {
            List<Client> clients = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                clients.add(Client.of(pod, "u" + i));
            }
            try (RawClient silent = RawClient.of(pod, "never answers")) {
                pod.terminate();
                for (Client client : clients) {
                    assertThat(client.closeCode()).isEqualTo(1012);
                    client.close();
                }
                assertThat(pod.exit(Duration.ofSeconds(20))).isIn(0, 143);
                assertThat(silent.closeCode()).isEqualTo(1012);
            }
        }
    }

    @Test
    void podIsUnreadyAtOnceAndAcceptsDuringTheDelay() {
        Map<String, String> config = Map.of("sluice.drain.delay", "6s", "sluice.drain.period", "1s");
        try (Pod pod = Pod.ready(Stage.REDIS, config);
                Client before = Client.of(pod, "early")) {
            long start = System.nanoTime();
            pod.terminate();
            await("unready").atMost(6, TimeUnit.SECONDS).until(() -> pod.status("/q/health/ready") == 503);
            assertThat(pod.status("/q/health/live")).isEqualTo(200);
            try (Client late = Client.of(pod, "late")) {
                Stage.REDIS.publish("user:early", "still");
                Stage.REDIS.publish("user:late", "here");
                assertThat(before.next()).isEqualTo("still");
                assertThat(late.next()).isEqualTo("here");
                assertThat(before.closeCode()).isEqualTo(1012);
                assertThat(late.closeCode()).isEqualTo(1012);
                assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.SECONDS.toNanos(6));
            }
            assertThat(pod.exit(Duration.ofSeconds(20))).isIn(0, 143);
        }
    }

    @Test
    void drainSpreadsClosesAndRefusesNewConnections() {
        try (Pod pod = Pod.ready(Stage.REDIS, Map.of("sluice.drain.period", "6s"))) {
            List<Client> clients = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                clients.add(Client.of(pod, "u" + i));
            }
            pod.terminate();
            long start = System.nanoTime();
            await("refusal").atMost(6, TimeUnit.SECONDS).until(() -> refusal(pod) == 503);
            await("the first").until(() -> pod.disconnects("going_away") > 0);
            List<Double> seconds = new ArrayList<>();
            List<Client> open = new ArrayList<>(clients);
            while (!open.isEmpty()) {
                open.removeIf(client -> !client.isOpen() && seconds.add((System.nanoTime() - start) / 1e9));
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }
            // Thirty moments in six seconds are never all within two.
            assertThat(seconds.get(seconds.size() - 1) - seconds.get(0)).isGreaterThan(2);
            assertThat(clients).allMatch(client -> client.closeCode() == 1012);
            assertThat(pod.exit(Duration.ofSeconds(20))).isIn(0, 143);
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
    void podNeedsTwoVariablesAndExitsAtOnceWithoutClients() {
        Map<String, String> environment = Map.of(
                "QUARKUS_REDIS_HOSTS",
                Stage.REDIS.uri(),
                "MP_JWT_VERIFY_PUBLICKEY_LOCATION",
                Tokens.publicKeyFile().toString(),
                "SLUICE_ROUTES_TEAM_AUDIENCE",
                "subscribers",
                "SLUICE_ROUTES_TEAM_ACCESS",
                "open");
        try (Pod pod = Pod.launched(Map.of(), environment).awaitReady();
                Client client = Client.of(pod, "environment")) {
            Stage.REDIS.publish("user:environment", "hello");
            assertThat(client.next()).isEqualTo("hello");
            client.send("{\"action\":\"subscribe\",\"channel\":\"team:red\"}");
            assertThat(client.next()).contains("subscribed");
            client.leave();
            client.closeCode();
            pod.terminate();
            assertThat(pod.exit(Duration.ofSeconds(20))).isIn(0, 143);
        }
    }

    @Test
    void podWithoutNativeTransportUsesNioAndLogsIt() {
        assumeThat(System.getProperty("os.name")).isEqualTo("Linux");
        // Quarkus decides what a native executable uses.
        assertThat(Stage.POD.log()).containsPattern("Event loops use " + (Pod.isNative() ? EITHER : "epoll"));
        try (Pod pod = Pod.ready(Stage.REDIS, Map.of("io.netty.transport.noNative", "true"));
                Client client = Client.of(pod, "nio")) {
            assertThat(pod.log()).containsPattern("Event loops use " + (Pod.isNative() ? EITHER : "Java's NIO"));
            Stage.REDIS.publish("user:nio", "hello");
            assertThat(client.next()).isEqualTo("hello");
        }
    }

    @Test
    void missingVerificationKeyFailsTheStartAndNamesTheSetting() {
        try (Pod pod = Pod.launched(Map.of("quarkus.redis.hosts", Stage.REDIS.uri()), Map.of())) {
            assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
            assertThat(pod.log()).contains("mp.jwt.verify.publickey.location");
        }
    }

    @Test
    void unreadableKeyFailsTheStart() throws IOException {
        // Unit tests check other contents.
        Path truncated = Files.writeString(Fork.file("truncated.json"), "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"");
        for (String location : new String[] {truncated.toString(), "/nowhere/key.pem"}) {
            Map<String, String> config =
                    Map.of("quarkus.redis.hosts", Stage.REDIS.uri(), "mp.jwt.verify.publickey.location", location);
            try (Pod pod = Pod.launched(config, Map.of())) {
                assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
                assertThat(pod.log()).contains("can't be read", "mp.jwt.verify.publickey.location");
            }
        }
    }

    @Test
    void invalidKeyServerConfigurationFailsTheStart() {
        Map<String, String> config = Map.of(
                "quarkus.redis.hosts", Stage.REDIS.uri(),
                "mp.jwt.verify.publickey.location", "https://localhost:1/jwks.json",
                "smallrye.jwt.client.tls.certificate.path", "/nowhere/ca.pem");
        try (Pod pod = Pod.launched(config, Map.of())) {
            assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
            assertThat(pod.log()).contains("smallrye.jwt.client.tls.certificate can't be read");
        }
    }

    @Test
    void missingRedisAddressFailsTheStartAndNamesTheSetting() {
        Map<String, String> config = Map.of(
                "mp.jwt.verify.publickey.location", Tokens.publicKeyFile().toString());
        try (Pod pod = Pod.launched(config, Map.of())) {
            assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
            assertThat(pod.log()).contains("quarkus.redis.hosts");
        }
    }

    /** One start for each kind of fault; unit tests check the values. */
    @ParameterizedTest
    @CsvSource({
        "sluice.auth.timeout, 0s, 'sluice.auth.timeout must be at least 1ms, is 0s'",
        "sluice.outbox.max-bytes, 511K, 'must be at least twice sluice.max-payload, which is 256K, is 511K'",
        "sluice.outbox.wire, pigeon, direct",
        "sluice.misspelt, 1, sluice.misspelt",
        "quarkus.http.limits.max-connections, 50000, sluice.limits.connections",
        "quarkus.http.http2, true, 'must be false, is true'",
        "quarkus.redis.client-type, cluster, is not supported",
        "quarkus.redis.feed.client-type, replication, is not supported",
    })
    void invalidConfigurationFailsTheStartWithItsKeyAndNoStackTrace(String key, String value, String why) {
        try (Pod pod = launched(key, value)) {
            assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
            assertThat(pod.log()).contains(key, why).doesNotContain("\tat ");
        }
    }

    @Test
    void productionBuildExcludesDevMode() throws IOException {
        for (String path : new String[] {"/", "/demo/index.html", "/dev/token", "/dev/uploads"}) {
            assertThat(Stage.POD.status(path)).as(path).isEqualTo(404);
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

    @ParameterizedTest
    @ValueSource(strings = {"replica", "sentinel"})
    void sentinelRoleOtherThanMasterFailsTheStart(String role) {
        Map<String, String> config = Map.of(
                "quarkus.redis.hosts",
                Stage.REDIS.uri(),
                "quarkus.redis.client-type",
                "sentinel",
                "quarkus.redis.role",
                role,
                "mp.jwt.verify.publickey.location",
                Tokens.publicKeyFile().toString());
        try (Pod pod = Pod.launched(config, Map.of())) {
            assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
            assertThat(pod.log()).contains("quarkus.redis.role", "must be master, is " + role);
        }
    }

    private static Pod launched(String key, String value) {
        Map<String, String> config = new HashMap<>();
        config.put("quarkus.redis.hosts", Stage.REDIS.uri());
        config.put("mp.jwt.verify.publickey.location", Tokens.publicKeyFile().toString());
        config.put(key, value);
        return Pod.launched(config, Map.of());
    }
}
