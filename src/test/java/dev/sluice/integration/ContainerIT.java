package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.assertj.core.data.Percentage.withPercentage;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Runs the image's command without a container: with the same read-only files, the same user, and without any
 * capability.
 */
class ContainerIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final Dockerfile IMAGE = Pod.isNative() ? Dockerfile.NATIVE : Dockerfile.JVM;
    private static final long MEGABYTE = 1024 * 1024;

    private static Path root;
    private static Path work;

    @BeforeAll
    static void layOut() throws IOException, InterruptedException {
        assumeThat(System.getProperty("os.name")).isEqualTo("Linux");
        assumeThat(Pod.isNative() || Runtime.version().feature() >= 25)
                .as("the flags of Dockerfile.jvm are those of JDK 25")
                .isTrue();
        // Not in target, where another user may have no access.
        root = Files.createTempDirectory("sluice-image");
        work = IMAGE.copyTo(root);
        Files.copy(Tokens.publicKeyFile(), root.resolve("publickey.pem"));
        run("chmod", "-R", "a=rX", root.toString());
    }

    @AfterAll
    static void cleanUp() throws IOException, InterruptedException {
        if (root != null) {
            run("chmod", "-R", "u+w", root.toString());
            run("rm", "-r", root.toString());
        }
    }

    @Test
    void deliversAndClosesClientsOnTermination() {
        try (Pod pod = Pod.launched(container(List.of(), Map.of())).awaitReady();
                Client client = Client.of(pod, "7")) {
            STAGE.redis().publish("user:7", "hello");
            assertThat(client.next()).isEqualTo("hello");
            assertThat(pod.log()).contains("Event loops use epoll");
            assertThat(pod.processStatus("CapEff")).isEqualTo("0000000000000000");
            if (isRoot()) {
                assertThat(pod.processStatus("Uid")).startsWith(IMAGE.only("USER"));
            }
            pod.terminate();
            assertThat(client.closeCode()).isEqualTo(1012);
            assertThat(pod.exit(Duration.ofSeconds(60))).isIn(0, 143);
        }
    }

    /** Only the image of the executable has Netty's library in a folder. */
    @Test
    void executableUsesEpollWithoutAWritableDirectoryAndJvmUsesNio() {
        String nowhere = "-Djava.io.tmpdir=" + work;
        ProcessBuilder container = container(List.of(), Map.of("JAVA_TOOL_OPTIONS", nowhere));
        if (Pod.isNative()) {
            container.command().add(nowhere);
        }
        try (Pod pod = Pod.launched(container).awaitReady();
                Client client = Client.of(pod, "7")) {
            assertThat(pod.log()).contains("Event loops use " + (Pod.isNative() ? "epoll" : "Java's NIO"));
            STAGE.redis().publish("user:7", "hello");
            assertThat(client.next()).isEqualTo("hello");
        }
    }

    @Test
    void heapAndMetricsFollowTheLimitOfTheContainer() {
        MemoryLimit limit = MemoryLimit.of(512 * MEGABYTE).orElse(null);
        assumeThat(limit).as("a control group of our own").isNotNull();
        try (limit;
                Pod pod = Pod.launched(container(limit.prefix(), Map.of())).awaitReady()) {
            // Only one of the two survivor spaces counts.
            assertThat((long) pod.metric("sluice_heap_max_bytes"))
                    .isCloseTo(512 * MEGABYTE * 4 / 10, withPercentage(10));
            assertThat(pod.metric("sluice_memory_limit_bytes")).isEqualTo(512 * MEGABYTE);
            assertThat((long) pod.metric("process_resident_memory_bytes"))
                    .isCloseTo(pod.residentMemory(), withPercentage(20));
        }
    }

    /** The image's command, with a Redis and a key. */
    private static ProcessBuilder container(List<String> prefix, Map<String, String> environment) {
        List<String> command = new ArrayList<>(prefix);
        if (isRoot()) {
            String user = IMAGE.only("USER");
            command.addAll(List.of(
                    "setpriv",
                    "--reuid=" + user,
                    "--regid=" + user,
                    "--clear-groups",
                    "--bounding-set=-all",
                    "--no-new-privs"));
        }
        command.addAll(IMAGE.entrypoint());
        ProcessBuilder builder = new ProcessBuilder(command).directory(work.toFile());
        Map<String, String> all = builder.environment();
        String path = System.getProperty("java.home") + "/bin:" + all.get("PATH");
        all.clear();
        all.put("PATH", path);
        all.put("QUARKUS_HTTP_PORT", "0");
        all.put("QUARKUS_MANAGEMENT_PORT", "0");
        all.put("QUARKUS_REDIS_HOSTS", STAGE.redis().uri());
        all.put(
                "MP_JWT_VERIFY_PUBLICKEY_LOCATION",
                root.resolve("publickey.pem").toString());
        all.putAll(environment);
        return builder;
    }

    private static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }

    private static void run(String... command) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}
