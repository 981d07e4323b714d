package dev.sluice.bench.site;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Ports;
import dev.sluice.bench.process.ServerProcess;
import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One Sluice, always at the same address, and its link to Redis. */
public final class Pod implements AutoCloseable {

    static final String READINESS = "/q/health/ready";

    private final int port = Ports.free();
    private final int management = Ports.free();
    private final Path jar;
    private final Path logs;
    private final String name;
    private final Map<String, String> settings;
    private final Link link;
    private int starts;
    private ServerProcess process;

    Pod(String name, Path jar, int redis, Map<String, String> settings, Path logs) {
        this.name = name;
        this.jar = jar;
        this.settings = settings;
        this.logs = logs;
        this.link = new Link(redis);
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

    public Link link() {
        return link;
    }

    /** Returns once it is ready. */
    public void start() {
        Map<String, String> environment =
                new HashMap<>(Sluice.environment(port, management, "redis://127.0.0.1:" + link.port()));
        environment.putAll(settings);
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-jar",
                jar.toString());
        Path log = logs.resolve("pod-" + name + "-" + ++starts + ".log");
        process = ServerProcess.startAnywhere(command, environment, port, readiness(), log);
    }

    boolean isReady() {
        return process.isReady(readiness());
    }

    private URI readiness() {
        return Ports.http(management, READINESS);
    }

    /** At once, as with kill -9. */
    public void kill() {
        process.close();
    }

    /** Asks it to end, as with SIGTERM, and returns once it has. */
    public void terminate() {
        process.terminate();
    }

    @Override
    public void close() {
        if (process != null) {
            process.close();
        }
        link.close();
    }
}
