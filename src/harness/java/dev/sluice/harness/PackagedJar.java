package dev.sluice.harness;

import java.io.ByteArrayOutputStream;
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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * The packaged jars merged into one, because opening almost two hundred takes a tenth of the CPU time of a start, with an
 * archive of its classes, which halves it: an AOT cache since JDK 25, a class-data archive before. {@code quarkus-run.jar}
 * loads the same classes with Quarkus's class loader, which the JVM can't archive; {@code SmokeIT} starts it.
 */
public final class PackagedJar {

    private static final boolean AOT = Runtime.version().feature() >= 25;
    private static final Path FOLDER = Pod.PACKAGE.resolve("quarkus-app").toAbsolutePath();

    /** Files with this name are of one JDK and build. */
    private static final String NAME = "it-classes-" + Runtime.version() + "-" + packagedAt();

    private static final List<String> APPLICATION = application();

    /** Null if the JVM could not write it. */
    private static final @Nullable Path ARCHIVE = archive();

    private interface Writer {
        void write(Path file) throws IOException;
    }

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
        arguments.addAll(List.of("-cp", written(".jar", PackagedJar::merge).toString(), "dev.sluice.Main"));
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

    private static long packagedAt() {
        try {
            return Files.getLastModifiedTime(FOLDER.resolve("quarkus-run.jar")).toMillis();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The first test process writes the file; the others wait for it. */
    private static Path written(String suffix, Writer writer) {
        Path file = Pod.PACKAGE.resolve(NAME + suffix).toAbsolutePath();
        try (FileChannel locked = FileChannel.open(
                        Pod.PACKAGE.resolve("it-archive.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = locked.lock()) {
            if (lock.isValid() && !Files.exists(file)) {
                writer.write(file);
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void merge(Path into) throws IOException {
        Path unfinished = into.resolveSibling(into.getFileName() + ".unfinished");
        Set<String> names = new HashSet<>();
        Map<String, ByteArrayOutputStream> providers = new TreeMap<>();
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(unfinished))) {
            // Uncompressed, because each start reads it.
            out.setLevel(Deflater.NO_COMPRESSION);
            for (Path path : jars()) {
                try (JarFile jar = new JarFile(path.toFile(), false, ZipFile.OPEN_READ, Runtime.version())) {
                    for (JarEntry entry : jar.versionedStream().toList()) {
                        byte[] bytes = jar.getInputStream(entry).readAllBytes();
                        if (entry.getName().startsWith("META-INF/services/") && !entry.isDirectory()) {
                            ByteArrayOutputStream all =
                                    providers.computeIfAbsent(entry.getName(), x -> new ByteArrayOutputStream());
                            all.writeBytes(bytes);
                            all.write('\n');
                        } else if (!entry.getName().equals(JarFile.MANIFEST_NAME) && names.add(entry.getName())) {
                            // The first of several counts, as on a class path; later ones are originals of transformed
                            // classes, licences, and what Quarkus needs for the build.
                            out.putNextEntry(new JarEntry(entry.getName()));
                            out.write(bytes);
                        }
                    }
                }
            }
            for (Map.Entry<String, ByteArrayOutputStream> service : providers.entrySet()) {
                out.putNextEntry(new JarEntry(service.getKey()));
                service.getValue().writeTo(out);
            }
        }
        Files.move(unfinished, into);
    }

    private static List<Path> jars() throws IOException {
        List<Path> jars = new ArrayList<>();
        // Classes that Quarkus transformed or generated must precede the originals.
        jars.add(FOLDER.resolve("quarkus/transformed-bytecode.jar"));
        jars.add(FOLDER.resolve("quarkus/generated-bytecode.jar"));
        for (String folder : List.of("app", "lib/boot", "lib/main")) {
            try (Stream<Path> files = Files.list(FOLDER.resolve(folder))) {
                files.filter(file -> file.toString().endsWith(".jar")).sorted().forEach(jars::add);
            }
        }
        return jars;
    }

    private static @Nullable Path archive() {
        Path archive = written(AOT ? ".aot" : ".jsa", PackagedJar::write);
        try {
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
