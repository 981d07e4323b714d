package dev.sluice.bench.attack;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.contender.Tokens;
import dev.sluice.bench.process.BenchFailure;
import dev.sluice.bench.process.Ports;
import dev.sluice.bench.process.RedisServer;
import dev.sluice.bench.process.ServerProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A Redis, a pod, a webhook that never answers, and where an attack needs it, a slow server of keys, of one trial. */
final class Scene implements AutoCloseable {

    /** What k8s/base gives a pod, in which the JVM takes a quarter for its heap. */
    static final List<String> FLAGS =
            List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:+IgnoreUnrecognizedVMOptions", "-XX:+UseCompactObjectHeaders");

    /** Of connections nobody ever accepts, beyond what the pod may have under way at once. */
    private static final int WAITING = 1024;

    private final ServerSocket webhook;
    private final Optional<KeyServer> keys;
    private final RedisServer redis;
    private final ServerProcess pod;
    private final int management;
    private final Path log;

    private Scene(
            ServerSocket webhook,
            Optional<KeyServer> keys,
            RedisServer redis,
            ServerProcess pod,
            int management,
            Path log) {
        this.webhook = webhook;
        this.keys = keys;
        this.redis = redis;
        this.pod = pod;
        this.management = management;
        this.log = log;
    }

    static Scene set(Attack attack, Path jar, Path logs) {
        ServerSocket webhook = silence();
        Optional<KeyServer> keys = attack.needsKeyServer() ? Optional.of(new KeyServer()) : Optional.empty();
        Tokens.signWith(keys.map(KeyServer::key));
        RedisServer redis = RedisServer.start(logs.resolve("redis.log"));
        try {
            int port = Ports.free();
            int management = Ports.free();
            Path log = logs.resolve("pod.log");
            Map<String, String> environment = keys.map(
                            server -> Sluice.environment(port, management, redis.uri(), server.url()))
                    .orElseGet(() -> Sluice.environment(port, management, redis.uri()));
            ServerProcess pod = ServerProcess.start(
                    command(jar, attack.settings(), webhook.getLocalPort()),
                    environment,
                    port,
                    Sluice.readiness(management),
                    log);
            return new Scene(webhook, keys, redis, pod, management, log);
        } catch (RuntimeException e) {
            redis.close();
            throw e;
        }
    }

    private static ServerSocket silence() {
        try {
            return new ServerSocket(0, WAITING, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new BenchFailure("can't listen", e);
        }
    }

    private static List<String> command(Path jar, List<String> settings, int webhook) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(FLAGS);
        command.addAll(settings);
        command.addAll(List.of(
                "-Dsluice.webhook.url=http://127.0.0.1:" + webhook,
                "-Dsluice.routes.asked.audience=subscribers",
                "-Dsluice.routes.asked.access=webhook",
                "-jar",
                jar.toString()));
        return command;
    }

    RedisServer redis() {
        return redis;
    }

    ServerProcess pod() {
        return pod;
    }

    PodMetrics metrics() {
        return PodMetrics.of(Ports.http(management, "/q/metrics"));
    }

    /** Whether it says itself that all is well. */
    boolean isHealthy() {
        return pod.isReady(Sluice.readiness(management)) && pod.isReady(Ports.http(management, "/q/health/live"));
    }

    /** Lines of the pod's log that nobody outside should be able to cause. */
    List<String> alarms() {
        try {
            return Files.readAllLines(log).stream()
                    .filter(line ->
                            line.contains(" ERROR ") || line.contains("OutOfMemory") || line.startsWith("\tat "))
                    .limit(5)
                    .toList();
        } catch (IOException e) {
            throw new BenchFailure("can't read " + log, e);
        }
    }

    @Override
    public void close() {
        pod.close();
        redis.close();
        keys.ifPresent(KeyServer::close);
        try {
            webhook.close();
        } catch (IOException e) {
            throw new BenchFailure("can't close a socket", e);
        }
    }
}
