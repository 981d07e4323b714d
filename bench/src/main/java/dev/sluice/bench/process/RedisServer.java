package dev.sluice.bench.process;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.List;
import redis.embedded.core.ExecutableProvider;

/** A real redis-server that keeps nothing on disk, and cuts nobody off for falling behind. */
public final class RedisServer implements AutoCloseable {

    private final int port;
    private final Process process;
    private final Path log;

    private RedisServer(int port, Path log) throws IOException {
        this.port = port;
        String binary = ExecutableProvider.newJarResourceProvider().get().getAbsolutePath();
        List<String> command = List.of(
                binary,
                "--port",
                Integer.toString(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--client-output-buffer-limit",
                "pubsub",
                "0",
                "0",
                "0");
        this.log = log;
        process = Children.start(new ProcessBuilder(command), log);
    }

    /** Started and listening. */
    public static RedisServer start(Path log) {
        return start(Ports.free(), log);
    }

    /** Started and listening on that port. */
    public static RedisServer start(int port, Path log) {
        try {
            RedisServer redis = new RedisServer(port, log);
            Waiting.until("Redis", redis::isListening);
            return redis;
        } catch (IOException e) {
            throw new BenchFailure("there is no redis-server for this platform", e);
        }
    }

    public InetSocketAddress address() {
        return Ports.address(port);
    }

    public String uri() {
        return "redis://127.0.0.1:" + port;
    }

    public int port() {
        return port;
    }

    /** Keeps its connections, and does nothing any more. */
    public void freeze() {
        Signals.send("STOP", process);
    }

    public void thaw() {
        Signals.send("CONT", process);
    }

    /** Asks it to end, and waits until it has. */
    public void terminate() {
        Children.terminate(process);
    }

    /** CPU time so far, in nanoseconds. */
    public long cpuNanos() {
        return Usage.cpuNanos(process);
    }

    @Override
    public void close() {
        Children.end(process);
    }

    private boolean isListening() {
        if (!process.isAlive()) {
            throw new BenchFailure("Redis has ended instead of starting; it says why in " + log);
        }
        try (Socket socket = new Socket()) {
            socket.connect(address());
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
