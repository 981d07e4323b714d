package dev.sluice.integration;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.harness.Fork;
import dev.sluice.harness.Pod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A real Prometheus that reads the metrics of one pod every second. */
final class Prometheus implements AutoCloseable {

    private static final Pattern LISTENING = Pattern.compile("Listening on\" address=([0-9.]+:\\d+)");
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Process process;
    private final Path log;
    private String address;

    private Prometheus(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    static boolean isInstalled() {
        try {
            return run("prometheus", "--version") == 0 && run("promtool", "--version") == 0;
        } catch (IOException absent) {
            return false;
        }
    }

    /** Returns the errors in a file of rules; empty if there are none. */
    static String wrongWith(Path rules) throws IOException {
        Path said = Fork.file("promtool.log");
        return run(said, "promtool", "check", "rules", "--lint-fatal", rules.toString()) == 0
                ? ""
                : Files.readString(said);
    }

    /** Starts a Prometheus that evaluates the rules every second. */
    static Prometheus watching(Pod pod, Path rules) throws IOException {
        Path config = Files.writeString(Fork.file("prometheus.yml"), """
                global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
                rule_files: ["%s"]
                scrape_configs:
                  - job_name: sluice
                    metrics_path: /q/metrics
                    static_configs:
                      - targets: ["localhost:%d"]
                        labels: {namespace: %s, pod: %s}
                """.formatted(
                        rules.toAbsolutePath(), pod.managementPort(), Question.NAMESPACE, Question.POD));
        Path log = Fork.file("prometheus.log");
        Process process = new ProcessBuilder(
                        "prometheus",
                        "--config.file=" + config,
                        "--storage.tsdb.path=" + Files.createTempDirectory(Path.of("target"), "prometheus"),
                        "--web.listen-address=127.0.0.1:0")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        Prometheus prometheus = new Prometheus(process, log);
        try {
            await("Prometheus").atMost(60, TimeUnit.SECONDS).until(prometheus::isReady);
        } catch (RuntimeException e) {
            prometheus.close();
            throw new IllegalStateException(Files.readString(log), e);
        }
        return prometheus;
    }

    private boolean isReady() throws IOException, InterruptedException {
        Matcher listening = LISTENING.matcher(Files.readString(log));
        if (!listening.find()) {
            return false;
        }
        address = listening.group(1);
        HttpRequest question = HttpRequest.newBuilder(URI.create("http://" + address + "/-/ready"))
                .build();
        return HTTP.send(question, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    }

    /** Evaluates an expression: returns its series, each with its current value. */
    JsonNode query(String expression) {
        return get("query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8))
                .path("result");
    }

    /** Returns the rules and their state. */
    JsonNode rules() {
        return get("rules").path("groups").path(0).path("rules");
    }

    private JsonNode get(String path) {
        URI uri = URI.create("http://" + address + "/api/v1/" + path);
        try {
            JsonNode answer =
                    JSON.readTree(HTTP.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
                            .body());
            if (!answer.path("status").asText().equals("success")) {
                throw new AssertionError(path + ": " + answer);
            }
            return answer.path("data");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int run(String... command) throws IOException {
        return run(Fork.file("command.log"), command);
    }

    private static int run(Path output, String... command) throws IOException {
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start()
                    .waitFor();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
