package dev.sluice.harness;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.util.concurrent.ThreadLocalRandom;

/** Ports of the loopback interface. */
public final class Ports {

    /** Below the ports that the kernel gives to clients, so that a port stays free while its server is down. */
    private static final int FIRST = 10_000;

    private static final int LAST = 30_000;

    private Ports() {}

    /** Returns a free port. */
    public static int free() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(FIRST, LAST);
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (IOException taken) {
                // Another service uses the port.
            }
        }
    }

    /** Returns the URL of a path of an HTTP server on the port. */
    public static URI http(int port, String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }

    public static InetSocketAddress address(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }
}
