package dev.sluice.bench.process;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;

/** Ports of the loopback interface. */
public final class Ports {

    private Ports() {}

    /** One that nobody listens on. */
    public static int free() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new BenchFailure("no port is free", e);
        }
    }

    /** The path of an HTTP server on the port. */
    public static URI http(int port, String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }

    static InetSocketAddress address(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }
}
