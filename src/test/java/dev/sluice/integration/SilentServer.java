package dev.sluice.integration;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A server that accepts every connection and never answers. */
final class SilentServer implements AutoCloseable {

    private final ServerSocket server;
    private final Thread acceptor;
    private final List<Socket> accepted = new CopyOnWriteArrayList<>();

    SilentServer(int port) throws IOException {
        server = new ServerSocket(port, 50, InetAddress.getLoopbackAddress());
        acceptor = new Thread(this::accept);
        acceptor.setDaemon(true);
        acceptor.start();
    }

    int port() {
        return server.getLocalPort();
    }

    int connections() {
        return accepted.size();
    }

    /** Stops accepting, so that another server can use the port; accepted connections stay open. */
    void stop() {
        try {
            server.close();
            // The kernel keeps the port while the thread waits on it.
            acceptor.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until all clients have closed their connections; fails after half a minute. */
    void awaitLeftByAll() throws IOException {
        for (Socket socket : accepted) {
            socket.setSoTimeout(30_000);
            // Reads the clients' data, then the end.
            socket.getInputStream().readAllBytes();
        }
    }

    @Override
    public void close() throws IOException {
        stop();
        for (Socket socket : accepted) {
            socket.close();
        }
    }

    private void accept() {
        try {
            while (true) {
                accepted.add(server.accept());
            }
        } catch (IOException stopped) {
            // The server is stopped.
        }
    }
}
