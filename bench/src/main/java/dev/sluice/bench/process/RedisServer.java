package dev.sluice.bench.process;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.List;
import redis.embedded.core.ExecutableProvider;

/** A real redis-server that keeps nothing on disk, and cuts nobody off for falling behind. */
public final class RedisServer implements AutoCloseable {

    private final int port = Ports.free();
    private final Process process;
    private final Path log;

    private RedisServer(Path log) throws IOException {
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
        try {
            RedisServer redis = new RedisServer(log);
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
