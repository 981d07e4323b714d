package dev.sluice.harness;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.util.concurrent.ThreadLocalRandom;

/** Ports of the loopback interface. */
public final class Ports {

    /** Below those that the kernel gives to clients: nobody takes one while its server is down. */
    private static final int FIRST = 10_000;

    private static final int LAST = 30_000;

    private Ports() {}

    /** A port that nobody listens on. */
    public static int free() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(FIRST, LAST);
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (IOException taken) {
                // By somebody else's service.
            }
        }
    }

    /** The path of an HTTP server on the port. */
    public static URI http(int port, String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }

    public static InetSocketAddress address(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }
}
