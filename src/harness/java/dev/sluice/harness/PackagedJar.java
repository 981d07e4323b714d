package dev.sluice.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The packaged jars on one class path, with an archive of their classes, which halves the CPU time of a start: an AOT
 * cache since JDK 25, a class-data archive before. {@code quarkus-run.jar} loads the same classes with Quarkus's class
 * loader, which the JVM can't archive; {@code SmokeIT} starts it.
 */
public final class PackagedJar {

    private static final boolean AOT = Runtime.version().feature() >= 25;
    private static final Path FOLDER = Pod.PACKAGE.resolve("quarkus-app").toAbsolutePath();

    private static final List<String> APPLICATION = application();

    /** One archive per JDK and build; null if the JVM could not write it. */
    private static final @Nullable Path ARCHIVE = archive();

    private PackagedJar() {}

    /** Returns the arguments of a JVM that starts the application. */
    public static List<String> arguments() {
        return arguments(
                ARCHIVE == null ? List.of() : List.of((AOT ? "-XX:AOTCache=" : "-XX:SharedArchiveFile=") + ARCHIVE));
    }

    private static List<String> arguments(List<String> options) {
        return Stream.concat(options.stream(), APPLICATION.stream()).toList();
    }

    private static List<String> application() {
        List<String> arguments = new ArrayList<>();
        arguments.add("-XX:+UseSerialGC");
        arguments.addAll(accessAsInManifest());
        arguments.add("-Djava.util.logging.manager=org.jboss.logmanager.LogManager");
        arguments.addAll(List.of("-cp", classPath(), "io.quarkus.runner.GeneratedMain"));
        return arguments;
    }

    /** Returns the access options in the manifest of quarkus-run.jar, which the JVM ignores on a class path. */
    private static List<String> accessAsInManifest() {
        try (JarFile jar = new JarFile(FOLDER.resolve("quarkus-run.jar").toFile())) {
            Attributes manifest = jar.getManifest().getMainAttributes();
            List<String> options = new ArrayList<>();
            for (String opened : manifest.getValue("Add-Opens").split(" ", -1)) {
                options.add("--add-opens=" + opened + "=ALL-UNNAMED");
            }
            options.add("--enable-native-access=" + manifest.getValue("Enable-Native-Access"));
            return options;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String classPath() {
        List<Path> jars = new ArrayList<>();
        // Classes that Quarkus transformed or generated must precede the originals.
        jars.add(FOLDER.resolve("quarkus/transformed-bytecode.jar"));
        jars.add(FOLDER.resolve("quarkus/generated-bytecode.jar"));
        for (String folder : List.of("app", "lib/boot", "lib/main")) {
            try (Stream<Path> files = Files.list(FOLDER.resolve(folder))) {
                files.filter(file -> file.toString().endsWith(".jar")).sorted().forEach(jars::add);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return String.join(":", jars.stream().map(Path::toString).toList());
    }

    /** The first test process writes the archive; the others wait for it. */
    private static @Nullable Path archive() {
        Path lockFile = Pod.PACKAGE.resolve("it-archive.lock");
        try (FileChannel file = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = file.lock()) {
            long packaged =
                    Files.getLastModifiedTime(FOLDER.resolve("quarkus-run.jar")).toMillis();
            Path archive = Pod.PACKAGE
                    .resolve("it-classes-" + Runtime.version() + "-" + packaged + (AOT ? ".aot" : ".jsa"))
                    .toAbsolutePath();
            if (lock.isValid() && !Files.exists(archive)) {
                write(archive);
            }
            return Files.size(archive) > 0 ? archive : null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts a pod and uses its main functions; at its end the JVM writes the loaded classes. */
    private static void write(Path archive) throws IOException {
        try (Redis redis = Redis.start();
                Pod pod = Pod.launched(
                        List.of(
                                "-Dquarkus.http.port=0",
                                "-Dquarkus.management.port=0",
                                "-Dquarkus.redis.hosts=" + redis.uri(),
                                "-Dmp.jwt.verify.publickey.location=" + Tokens.publicKeyFile()),
                        arguments(List.of((AOT ? "-XX:AOTCacheOutput=" : "-XX:ArchiveClassesAtExit=") + archive)))) {
            pod.awaitReady().awaitHandled(redis);
            request(pod, "/api/channels/user:7/messages", "publisher", "POST", BodyPublishers.ofString("x"));
            request(pod, "/api/users/7/connections", "operator", "GET", BodyPublishers.noBody());
            pod.metrics();
            pod.terminate();
            pod.exit(Duration.ofMinutes(1));
        }
        if (!Files.exists(archive)) {
            // Marks the failure, so that no other process tries.
            Files.createFile(archive);
        }
    }

    private static void request(Pod pod, String path, String role, String method, BodyPublisher body)
            throws IOException {
        try {
            HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(pod.http(path))
                                    .method(method, body)
                                    .header("Authorization", "Bearer " + Tokens.withGroups("archive", role))
                                    .build(),
                            BodyHandlers.discarding());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
