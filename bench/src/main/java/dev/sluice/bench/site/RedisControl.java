package dev.sluice.bench.site;

import dev.sluice.bench.process.BenchFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;

/** Tells Redis what to do, over a connection that is made before anything happens to it. */
public final class RedisControl implements AutoCloseable {

    private final Socket socket = new Socket();
    private final BufferedReader answers;

    RedisControl(SocketAddress redis) {
        try {
            socket.connect(redis);
            answers = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new BenchFailure("can't control Redis", e);
        }
    }

    /** Returns once Redis has done it; fails where it refuses. */
    public void command(String command) {
        try {
            socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
            String answer = answers.readLine();
            if (answer == null || answer.startsWith("-")) {
                throw new BenchFailure("Redis refuses " + command + ": " + answer);
            }
        } catch (IOException e) {
            throw new BenchFailure("can't control Redis", e);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new BenchFailure("can't close a connection", e);
        }
    }
}
