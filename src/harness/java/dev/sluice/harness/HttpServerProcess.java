package dev.sluice.harness;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The process of a server that answers HTTP, such as a proxy.
 *
 * @param port on which it listens
 */
public record HttpServerProcess(ServerProcess process, int port) implements AutoCloseable {

    private static final int PROBE_MILLIS = 2_000;

    /**
     * Starts the server, and returns when it is ready.
     *
     * @param environment further environment variables
     * @param port on which it will listen
     * @param health the URL that answers 200 when it is ready
     * @param log the file for its output
     */
    public static HttpServerProcess start(
            List<String> command, Map<String, String> environment, int port, URI health, Path log) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        ServerProcess process = ServerProcess.start(builder, log);
        try {
            Waiting.until(command.get(0), () -> {
                if (!process.isAlive()) {
                    throw new IllegalStateException("the server has ended:\n" + process.log());
                }
                return isReady(health);
            });
            return new HttpServerProcess(process, port);
        } catch (RuntimeException e) {
            process.close();
            throw e;
        }
    }

    public InetSocketAddress address() {
        return Ports.address(port);
    }

    /** Whether the URL answers 200 within two seconds, as a kubelet asks. */
    public static boolean isReady(URI health) {
        try {
            HttpURLConnection connection = (HttpURLConnection) health.toURL().openConnection();
            connection.setConnectTimeout(PROBE_MILLIS);
            connection.setReadTimeout(PROBE_MILLIS);
            boolean ready = connection.getResponseCode() == HttpURLConnection.HTTP_OK;
            // Otherwise it stays open until garbage collection.
            connection.disconnect();
            return ready;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() {
        process.close();
    }
}
