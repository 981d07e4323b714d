package dev.sluice.integration;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A server that accepts every connection and never says a word. */
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

    /** Accepts no more, so that another can have the port; what has been accepted stays open. */
    void stop() {
        try {
            server.close();
            // The kernel keeps the port for as long as the thread waits for it.
            acceptor.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Awaits that all clients have closed their connections; fails where one has not after half a minute. */
    void awaitLeftByAll() throws IOException {
        for (Socket socket : accepted) {
            socket.setSoTimeout(30_000);
            // What they said, and then the end.
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
            // There is nothing to do any more.
        }
    }
}
