package dev.sluice.bench.process;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A server under test: a process that answers HTTP. */
public final class ServerProcess implements AutoCloseable {

    /** bench/run keeps everything else off it. */
    private static final String CORE = "0";

    private static final int PROBE_MILLIS = 2_000;

    private final Process process;
    private final int port;
    private final Path log;

    private ServerProcess(Process process, int port, Path log) {
        this.process = process;
        this.port = port;
        this.log = log;
    }

    /**
     * Starts it on a core of its own and waits until it is ready.
     *
     * @param environment what it has in addition to the environment here
     * @param port where it will listen
     * @param health what answers 200 once it is ready
     * @param log where what it says goes
     */
    public static ServerProcess start(
            List<String> command, Map<String, String> environment, int port, URI health, Path log) {
        List<String> pinned = new ArrayList<>(List.of("taskset", "-c", CORE));
        pinned.addAll(command);
        return startAnywhere(pinned, environment, port, health, log);
    }

    /** Starts it on whatever core there is and waits until it is ready; as above. */
    public static ServerProcess startAnywhere(
            List<String> command, Map<String, String> environment, int port, URI health, Path log) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        ServerProcess server = new ServerProcess(Children.start(builder, log), port, log);
        Waiting.until(command.get(0), () -> server.isReady(health));
        return server;
    }

    public InetSocketAddress address() {
        return Ports.address(port);
    }

    /** Asks it to end, and waits until it has. */
    public void terminate() {
        Children.terminate(process);
    }

    public long pid() {
        return process.pid();
    }

    /** CPU time so far, in nanoseconds. */
    public long cpuNanos() {
        return Usage.cpuNanos(process);
    }

    /** Resident memory now, in bytes. */
    public long residentBytes() {
        return Usage.residentBytes(process);
    }

    /** Files, sockets among them, that it has open now. */
    public long openFiles() {
        return Usage.openFiles(process);
    }

    @Override
    public void close() {
        Children.end(process);
    }

    /** Whether that answers 200, within two seconds, as a kubelet asks. */
    public boolean isReady(URI health) {
        if (!process.isAlive()) {
            throw new BenchFailure("the server has ended; it says why in " + log);
        }
        try {
            HttpURLConnection connection = (HttpURLConnection) health.toURL().openConnection();
            connection.setConnectTimeout(PROBE_MILLIS);
            connection.setReadTimeout(PROBE_MILLIS);
            boolean ready = connection.getResponseCode() == HttpURLConnection.HTTP_OK;
            // Else each would stay open until it is collected as garbage.
            connection.disconnect();
            return ready;
        } catch (IOException e) {
            return false;
        }
    }
}
