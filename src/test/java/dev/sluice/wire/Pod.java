package dev.sluice.wire;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One process of the packaged application, jar or native executable, on a port of its own. */
final class Pod implements AutoCloseable {

    private static final Pattern LISTENING = Pattern.compile("Listening on: http://[^:]+:(\\d+)");
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final Process process;
    private final Path log;
    private int port;

    private Pod(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /** Started with the key that verifies {@link Tokens}, and ready. */
    static Pod ready(Redis redis, Map<String, String> config) {
        return started(redis, config).awaitReady();
    }

    /** Started with the key that verifies {@link Tokens}, and listening. */
    static Pod started(Redis redis, Map<String, String> config) {
        Map<String, String> all = new TreeMap<>();
        all.put("quarkus.redis.hosts", redis.uri());
        all.put("mp.jwt.verify.publickey.location", Tokens.publicKeyFile().toString());
        all.putAll(config);
        return launched(all, Map.of()).awaitListening();
    }

    /** Launched with just this configuration. */
    static Pod launched(Map<String, String> config, Map<String, String> environment) {
        List<String> properties = new ArrayList<>(List.of("-Dquarkus.http.port=0"));
        config.forEach((key, value) -> properties.add("-D" + key + "=" + value));
        Path log = Path.of("target", "pod-" + COUNT.incrementAndGet() + ".log");
        ProcessBuilder builder = new ProcessBuilder(command(properties))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().putAll(environment);
        try {
            return new Pod(builder.start(), log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Pod awaitReady() {
        awaitListening();
        await("readiness").atMost(15, TimeUnit.SECONDS).until(() -> status("/q/health/ready") == 200);
        return this;
    }

    private Pod awaitListening() {
        await("start").atMost(15, TimeUnit.SECONDS).until(() -> {
            if (!process.isAlive()) {
                throw new IllegalStateException("the pod has ended:\n" + log());
            }
            Matcher listening = LISTENING.matcher(log());
            boolean found = listening.find();
            if (found) {
                port = Integer.parseInt(listening.group(1));
            }
            return found;
        });
        return this;
    }

    URI http(String path) {
        return URI.create("http://localhost:" + port + path);
    }

    URI webSocket(String path) {
        return URI.create("ws://localhost:" + port + path);
    }

    int port() {
        return port;
    }

    /** The HTTP status at the path; 0 where nobody answers. */
    int status(String path) {
        try {
            return get(path).statusCode();
        } catch (IOException e) {
            return 0;
        }
    }

    /** The value of the one metric line that starts so, up to the space before its value. */
    double metric(String line) {
        try {
            return get("/q/metrics")
                    .body()
                    .lines()
                    .filter(metric -> metric.startsWith(line + " "))
                    .mapToDouble(metric -> Double.parseDouble(metric.substring(line.length() + 1)))
                    .findFirst()
                    .orElse(Double.NaN);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As by SIGTERM. */
    void terminate() {
        process.destroy();
    }

    /** Its exit status, once it has ended. */
    int exit(Duration within) {
        try {
            if (!process.waitFor(within.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("still running after " + within + ":\n" + log());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        exit(Duration.ofSeconds(10));
        if (log().contains("LEAK:")) {
            throw new AssertionError("a buffer was leaked:\n" + log());
        }
    }

    private static HttpResponse<String> get(URI uri) throws IOException {
        try {
            return HTTP.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private HttpResponse<String> get(String path) throws IOException {
        return get(http(path));
    }

    private static List<String> command(List<String> properties) {
        Properties artifact = new Properties();
        try (InputStream in = Files.newInputStream(Path.of("target", "quarkus-artifact.properties"))) {
            artifact.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException("nothing is packaged: run ./mvnw verify", e);
        }
        String path = Path.of("target", artifact.getProperty("path")).toString();
        List<String> command = new ArrayList<>();
        if (artifact.getProperty("type").startsWith("native")) {
            command.add(path);
            command.addAll(properties);
        } else {
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.add("-Dio.netty.leakDetection.level=paranoid");
            command.addAll(properties);
            command.add("-jar");
            command.add(path);
        }
        return command;
    }
}
