package dev.sluice.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;
import org.awaitility.Awaitility;

/** One process of the packaged application, jar or native executable, on its own ports. */
public final class Pod implements AutoCloseable {

    /** The folder of the package. */
    public static final Path PACKAGE = Path.of(System.getProperty("test.package", "target"));

    private static final Pattern LISTENING = Pattern.compile("Listening on: http://[^:]+:(\\d+)");
    private static final Pattern MANAGED = Pattern.compile("Management interface listening on http://[^:]+:(\\d+)");
    private static final Pattern LISTENING_SECURELY = Pattern.compile("Listening on: .*https://[^:]+:(\\d+)");
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    /** Configuration keys whose values are secret. */
    private static final Pattern SECRET = Pattern.compile("(?i).*(secret|password|webhook\\..*url).*");

    /** Vert.x's warning that a task takes long, with the stack trace of its thread. */
    private static final Pattern SLOW_TASK =
            Pattern.compile("\n[^\n]*has been blocked for \\d+ ms[^\n]*(\n\tat [^\n]*)*");

    /** What a log says of faults that no client and no Redis may cause. */
    private static final Map<String, String> FAULTS = Map.of(
            "LEAK:", "a buffer was leaked",
            "Uncaught exception received by Vert.x", "an exception was not caught");

    /** Simultaneous tests start few pods at once, because each start has a time limit. */
    private static final Semaphore STARTING = new Semaphore(2);

    static {
        // Long enough for a busy machine.
        Awaitility.setDefaultTimeout(Duration.ofSeconds(60));
        Awaitility.setDefaultPollDelay(Duration.ZERO);
        // Increasing intervals, because each poll costs the pod some milliseconds of CPU time.
        Awaitility.setDefaultPollInterval((count, before) -> Duration.ofMillis(Math.min(30L * count, 400)));
    }

    private final ServerProcess process;
    private final List<String> secrets;
    private final PodRecord record;
    private int port;
    private int managementPort;

    private Pod(ServerProcess process, List<String> command, List<String> secrets) {
        this.process = process;
        this.secrets = secrets;
        record = PodRecord.of(process, command);
    }

    /** Starts a pod with the key that verifies {@link Tokens}, and waits until it is ready. */
    public static Pod ready(Redis redis, Map<String, String> config) {
        return started(redis, config).awaitReady();
    }

    /** The same with JVM options, which a native executable ignores. */
    public static Pod ready(Redis redis, Map<String, String> config, List<String> jvmOptions) {
        return started(redis, config, jvmOptions).awaitReady();
    }

    /** Starts a pod with the key that verifies {@link Tokens}, and waits until it listens. */
    public static Pod started(Redis redis, Map<String, String> config) {
        return started(redis, config, List.of());
    }

    private static Pod started(Redis redis, Map<String, String> config, List<String> jvmOptions) {
        Map<String, String> all = new TreeMap<>();
        all.put("quarkus.redis.hosts", redis.uri());
        all.put("mp.jwt.verify.publickey.location", Tokens.publicKeyFile().toString());
        // Tests share users, so the subscriptions of one test must not be restored in the next.
        all.put("sluice.subscriptions.linger", "0s");
        // A machine that pauses for some seconds must not fail tests of other things.
        all.put("sluice.auth.timeout", "30s");
        all.put("sluice.owner.timeout", "20s");
        all.put("sluice.publish.timeout", "10s");
        all.put("sluice.webhook.timeout", "20s");
        all.putAll(config);
        STARTING.acquireUninterruptibly();
        try {
            return launched(all, Map.of(), jvmOptions).awaitListening();
        } finally {
            STARTING.release();
        }
    }

    /** Launches a pod with only this configuration. */
    public static Pod launched(Map<String, String> config, Map<String, String> environment) {
        return launched(config, environment, List.of());
    }

    /** The same in this working directory, which may contain {@code config/application.properties}. */
    public static Pod launchedIn(Path folder, Map<String, String> config, Map<String, String> environment) {
        ProcessBuilder builder = builder(config, environment, List.of()).directory(folder.toFile());
        return launched(builder, secrets(config));
    }

    private static Pod launched(Map<String, String> config, Map<String, String> environment, List<String> jvmOptions) {
        return launched(builder(config, environment, jvmOptions), secrets(config));
    }

    private static ProcessBuilder builder(
            Map<String, String> config, Map<String, String> environment, List<String> jvmOptions) {
        List<String> properties = new ArrayList<>(List.of("-Dquarkus.http.port=0", "-Dquarkus.management.port=0"));
        config.forEach((key, value) -> properties.add("-D" + key + "=" + value));
        ProcessBuilder builder = new ProcessBuilder(command(properties, jvmOptions));
        builder.environment().putAll(environment);
        return builder;
    }

    /** Launches a JVM with these options and arguments, which start the application. */
    public static Pod launched(List<String> options, List<String> application) {
        return launched(new ProcessBuilder(jvm(options, application)));
    }

    /** Launches the caller's command, which must let the pod choose its ports. */
    public static Pod launched(ProcessBuilder builder) {
        return launched(builder, List.of());
    }

    private static Pod launched(ProcessBuilder builder, List<String> secrets) {
        return launched(builder, secrets, Fork.file("pod-" + COUNT.incrementAndGet() + ".log"));
    }

    /** The same with a file for the log. */
    public static Pod launched(ProcessBuilder builder, Path log) {
        return launched(builder, List.of(), log);
    }

    private static Pod launched(ProcessBuilder builder, List<String> secrets, Path log) {
        return new Pod(ServerProcess.start(builder, log), builder.command(), secrets);
    }

    private static List<String> secrets(Map<String, String> config) {
        return config.entrySet().stream()
                .filter(entry -> SECRET.matcher(entry.getKey()).matches())
                .map(Map.Entry::getValue)
                .toList();
    }

    public Pod awaitReady() {
        awaitListening();
        orEnd(() -> await("readiness").until(() -> status("/q/health/ready") == 200));
        return this;
    }

    /** Ends the pod if the wait fails, because the caller can't yet. */
    private void orEnd(Runnable awaiting) {
        try {
            awaiting.run();
        } catch (RuntimeException e) {
            process.close();
            throw new IllegalStateException("the pod does not work:\n" + log(), e);
        }
    }

    private Pod awaitListening() {
        orEnd(this::awaitPort);
        return this;
    }

    private void awaitPort() {
        await("start")
                .atMost(Duration.ofMinutes(2))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> {
                    if (!process.isAlive()) {
                        throw new IllegalStateException("the pod has ended:\n" + log());
                    }
                    String log = log();
                    Matcher listening = LISTENING.matcher(log);
                    Matcher managed = MANAGED.matcher(log);
                    boolean found = listening.find() && managed.find();
                    if (found) {
                        port = Integer.parseInt(listening.group(1));
                        managementPort = Integer.parseInt(managed.group(1));
                    }
                    return found;
                });
    }

    /** Waits until publications have positions. */
    public void awaitPositions() {
        await("positions").until(() -> log().contains("positions in era"));
    }

    /** Waits until the pod has handled all earlier publications. */
    public void awaitHandled(Redis redis) {
        try (Client client = Client.of(this, "awaits")) {
            redis.publish("user:awaits", "handled");
            client.awaitMessage("handled");
        }
    }

    /** Returns the URL of the path, on the management port for {@code /q/health} and {@code /q/metrics}. */
    public URI http(String path) {
        boolean managed = path.startsWith("/q/health") || path.startsWith("/q/metrics");
        return URI.create("http://localhost:" + (managed ? managementPort : port) + path);
    }

    public URI webSocket(String path) {
        return URI.create("ws://localhost:" + port + path);
    }

    /** Returns the wss URL of the path. */
    public URI secureWebSocket(String path) {
        Matcher listening = LISTENING_SECURELY.matcher(log());
        if (!listening.find()) {
            throw new IllegalStateException("no TLS here:\n" + log());
        }
        return URI.create("wss://localhost:" + listening.group(1) + path);
    }

    public int port() {
        return port;
    }

    public int managementPort() {
        return managementPort;
    }

    /** Returns the HTTP status of the path; 0 without an answer. */
    public int status(String path) {
        try {
            return get(http(path)).statusCode();
        } catch (IOException e) {
            return 0;
        }
    }

    /** Returns the value of the only metric line that starts with this text, up to the space before the value. */
    public double metric(String line) {
        return metrics(line).get(0);
    }

    /** Returns the values of several metrics at one moment. */
    public List<Double> metrics(String... lines) {
        List<String> all = metrics();
        return Arrays.stream(lines).map(line -> sum(all, line)).toList();
    }

    /** Waits for this value, because the pod may count an event shortly after it informs the client. */
    public void awaitMetric(String line, double value) {
        await(line).untilAsserted(() -> assertThat(metric(line)).isEqualTo(value));
    }

    /** Waits until no client is connected, so that the ends of earlier clients are not counted later. */
    public void awaitNobody() {
        awaitMetric("sluice_connections{state=\"authenticated\"}", 0);
    }

    /** Waits for this number of disconnects for the reason. */
    public void awaitDisconnects(String reason, double count) {
        awaitMetric("sluice_disconnects_total{reason=\"" + reason + "\"}", count);
    }

    /** Waits for this number of disconnects for any reason. */
    public void awaitDisconnects(double count) {
        await("disconnects").untilAsserted(() -> assertThat(disconnects()).isEqualTo(count));
    }

    /** Returns the number of disconnects for the reason. */
    public double disconnects(String reason) {
        return metric("sluice_disconnects_total{reason=\"" + reason + "\"}");
    }

    /** Returns the number of disconnects for any reason. */
    public double disconnects() {
        return values(metrics(), "sluice_disconnects_total{").sum();
    }

    /** Returns the lines of the metrics. */
    public List<String> metrics() {
        try {
            return get(http("/q/metrics")).body().lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sums, like Prometheus's {@code sum}, all samples with the name and these labels; NaN without any. */
    private static double sum(List<String> metrics, String selector) {
        int labels = selector.indexOf('{');
        String name = labels < 0 ? selector : selector.substring(0, labels);
        List<String> wanted = labels < 0
                ? List.of()
                : List.of(selector.substring(labels + 1, selector.length() - 1).split(","));
        double[] values = metrics.stream()
                .filter(sample -> sample.startsWith(name + " ")
                        || (sample.startsWith(name + "{") && wanted.stream().allMatch(sample::contains)))
                .mapToDouble(sample -> Double.parseDouble(sample.substring(sample.lastIndexOf(' ') + 1)))
                .toArray();
        return values.length == 0 ? Double.NaN : Arrays.stream(values).sum();
    }

    private static DoubleStream values(List<String> metrics, String start) {
        return metrics.stream()
                .filter(metric -> metric.startsWith(start))
                .mapToDouble(metric -> Double.parseDouble(metric.substring(metric.lastIndexOf(' ') + 1)));
    }

    /** Waits until the log contains all texts. */
    public void awaitLog(String... texts) {
        await("log").untilAsserted(() -> assertThat(log()).contains(texts));
    }

    public String log() {
        return process.log();
    }

    /** Returns the process, for its CPU time, memory and files. */
    public ServerProcess process() {
        return process;
    }

    /** Returns the number of open files, including sockets. */
    public long openFiles() {
        return process.openFiles();
    }

    /** Returns the resident memory in bytes. */
    public long residentMemory() {
        return process.residentBytes();
    }

    /** Returns the value of the name in {@code /proc/<pid>/status}. */
    public String processStatus(String name) {
        return process.status(name);
    }

    /** Returns the bytes of objects that are left after a garbage collection; only for a JVM. */
    public long liveHeap() {
        assumeThat(isNative())
                .as("a native executable has no command for a garbage collection")
                .isFalse();
        return process.liveHeap();
    }

    /** Returns the number of live objects by class, of classes whose names begin so; only for a JVM. */
    public Map<String, Long> instances(String prefix) {
        assumeThat(isNative()).as("a native executable has no histogram").isFalse();
        return process.instances(prefix);
    }

    /** Sends SIGTERM. */
    public void terminate() {
        record.write();
        process.terminate();
    }

    /** Waits for the end, and returns the exit status. */
    public int exit(Duration within) {
        return process.exit(within);
    }

    @Override
    public void close() {
        record.write();
        process.close();
        assertQuiet();
    }

    /** Asserts that the log is free of faults and secrets; closing the pod does the same. */
    public void assertQuiet() {
        String log = log();
        assertNoFault(log);
        Discretion.assertKept(log, secrets);
    }

    static void assertNoFault(String log) {
        FAULTS.forEach((text, fault) -> {
            if (log.contains(text)) {
                throw new AssertionError(fault + ":\n" + log);
            }
        });
    }

    /** Returns the log without Vert.x's warnings, with stack traces, of tasks that take long: they may have waited for a core. */
    public String logWithoutSlowTasks() {
        return SLOW_TASK.matcher(log()).replaceAll("");
    }

    /** Asserts that the log is free of errors and stack traces. */
    public void assertNoErrors() {
        assertQuiet();
        String log = logWithoutSlowTasks();
        if (log.contains(" ERROR ") || log.contains("\n\tat ")) {
            throw new AssertionError("the pod logged an error:\n" + log);
        }
    }

    private static HttpResponse<String> get(URI uri) throws IOException {
        try {
            return HTTP.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whether pods are native executables, which have no JVM options. */
    public static boolean isNative() {
        return artifact().getProperty("type").equals("native");
    }

    public static Properties artifact() {
        Properties artifact = new Properties();
        try (InputStream in = Files.newInputStream(PACKAGE.resolve("quarkus-artifact.properties"))) {
            artifact.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException("there is no package: run ./mvnw verify", e);
        }
        return artifact;
    }

    private static List<String> command(List<String> properties, List<String> jvmOptions) {
        List<String> command = new ArrayList<>();
        if (isNative()) {
            command.add(PACKAGE.resolve(artifact().getProperty("path"))
                    .toAbsolutePath()
                    .toString());
            command.addAll(properties);
        } else {
            List<String> options = new ArrayList<>(jvmOptions);
            if (jvmOptions.stream().noneMatch(option -> option.startsWith("-Xmx"))) {
                // Most use little memory, and each page costs CPU time when it is first used.
                options.add("-Xmn32m");
            }
            options.addAll(properties);
            command.addAll(jvm(options, PackagedJar.arguments()));
        }
        return command;
    }

    private static List<String> jvm(List<String> options, List<String> application) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // Every buffer is tracked. Where one leaks, the level "paranoid" tells who has used it, at a fifth more CPU
        // time.
        command.add("-Dio.netty.leakDetection.level=simple");
        command.add("-Dio.netty.leakDetection.samplingInterval=1");
        // Most live for seconds only: code is compiled fast, and only where it runs often.
        command.add("-XX:TieredStopAtLevel=1");
        command.add("-XX:CompileThresholdScaling=3");
        // Maps the archive at its original address, so that the JVM need not relocate its pointers.
        command.add("-XX:+UnlockDiagnosticVMOptions");
        command.add("-XX:ArchiveRelocationMode=0");
        // Warnings about an unusable archive do not belong in the pod's log.
        command.add("-Xlog:disable");
        command.addAll(options);
        command.addAll(application);
        return command;
    }
}
