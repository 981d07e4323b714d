package dev.sluice.bench.site;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Server;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Ports;
import dev.sluice.harness.TcpProxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A place for pods, one after the other: each has the same address and the same link to Redis. */
public final class Replica implements AutoCloseable {

    private static final Duration LONGEST_END = Duration.ofSeconds(60);

    private final int port = Ports.free();
    private final int management = Ports.free();
    private final Path jar;
    private final Path logs;
    private final String name;
    private final Map<String, String> settings;
    private final TcpProxy link;
    private int starts;
    private volatile boolean started;
    private Optional<Pod> pod = Optional.empty();

    Replica(String name, Path jar, int redis, Map<String, String> settings, Path logs) {
        this.name = name;
        this.jar = jar;
        this.settings = settings;
        this.logs = logs;
        this.link = new TcpProxy(redis);
    }

    public String name() {
        return name;
    }

    int port() {
        return port;
    }

    /** The port of probes and metrics. */
    int management() {
        return management;
    }

    public TcpProxy link() {
        return link;
    }

    /** Starts a pod; returns once it is ready. */
    public void start() {
        started = true;
        ProcessBuilder builder = new ProcessBuilder(Sluice.command(List.of("-Xmx256m", "-XX:+UseSerialGC"), jar));
        builder.environment().putAll(Sluice.environment(port, management, link.redisUri()));
        builder.environment().putAll(settings);
        Pod launched = Pod.launched(builder, logs.resolve("pod-" + name + "-" + ++starts + ".log"));
        pod = Optional.of(launched);
        launched.awaitReady();
    }

    /** Whether a pod is there, or should be: one was started and has not been asked to end. */
    boolean isStarted() {
        return started;
    }

    boolean isReady() {
        return Server.isReady(Sluice.readiness(management));
    }

    /** At once, as with kill -9. */
    public void kill() {
        started = false;
        pod.ifPresent(Pod::close);
    }

    /** Asks it to end, as with SIGTERM, and returns once it has. */
    public void terminate() {
        started = false;
        pod.ifPresent(asked -> {
            asked.terminate();
            asked.exit(LONGEST_END);
            asked.close();
        });
    }

    @Override
    public void close() {
        kill();
        link.close();
    }
}
