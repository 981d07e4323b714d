package dev.sluice.harness;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import javax.net.ServerSocketFactory;

/**
 * A proxy between a pod and its Redis, or a client and its pod, that can cut connections, or swallow data without
 * closing them.
 */
public final class TcpProxy implements AutoCloseable {

    /**
     * The speed in each direction of each connection.
     *
     * @param delay of each piece
     * @param bytes that a piece has at most
     */
    private record Pace(Duration delay, int bytes) {}

    private static final Pace FAST = new Pace(Duration.ZERO, 64 * 1024);

    private final ServerSocket server;
    private volatile int target;
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final List<Socket> toTarget = new CopyOnWriteArrayList<>();
    private final Object hole = new Object();
    private boolean swallowing;
    private volatile Pace pace = FAST;

    public TcpProxy(int target) {
        this(ServerSocketFactory.getDefault(), target);
    }

    /** Creates a proxy with its own server sockets, for example for TLS. */
    public TcpProxy(ServerSocketFactory factory, int target) {
        this(open(factory, InetAddress.getLoopbackAddress(), 0), target);
    }

    /** Creates a proxy at that address and port. */
    public TcpProxy(InetAddress address, int port, int target) {
        this(open(ServerSocketFactory.getDefault(), address, port), target);
    }

    private TcpProxy(ServerSocket server, int target) {
        this.server = server;
        this.target = target;
        start(this::accept);
    }

    private static ServerSocket open(ServerSocketFactory factory, InetAddress address, int port) {
        try {
            return factory.createServerSocket(port, 50, address);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Directs new connections to that port of this host; existing ones stay. */
    public void leadTo(int port) {
        target = port;
    }

    public int port() {
        return server.getLocalPort();
    }

    public String redisUri() {
        return "redis://127.0.0.1:" + server.getLocalPort();
    }

    /** Swallows all data from now on, but keeps and accepts connections. */
    public void swallow() {
        synchronized (hole) {
            swallowing = true;
        }
    }

    /** Delays each piece of that many bytes. */
    public void slowDown(Duration delay, int bytes) {
        pace = new Pace(delay, bytes);
    }

    /** Returns the addresses of its connections, as the target sees them. */
    public List<String> addresses() {
        return toTarget.stream()
                .filter(socket -> !socket.isClosed())
                .map(socket -> "127.0.0.1:" + socket.getLocalPort())
                .toList();
    }

    /** Lets new connections work at full speed; connections that lost data stay damaged. */
    public void heal() {
        synchronized (hole) {
            swallowing = false;
        }
        pace = FAST;
    }

    /** Resets every connection. */
    public void cut() {
        for (Socket socket : sockets) {
            try {
                socket.setSoLinger(true, 0);
                socket.close();
            } catch (IOException e) {
                // The connection is already cut.
            }
        }
        sockets.clear();
        toTarget.clear();
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        cut();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                sockets.add(client);
                start(() -> connect(client));
            }
        } catch (IOException closed) {
            // The connection is already closed.
        }
    }

    private void connect(Socket client) {
        try (client;
                Socket redis = new Socket(InetAddress.getLoopbackAddress(), target)) {
            sockets.add(redis);
            toTarget.add(redis);
            client.setTcpNoDelay(true);
            redis.setTcpNoDelay(true);
            start(() -> copy(client, redis));
            copy(redis, client);
        } catch (IOException nobodyThere) {
            // The client's connection ends, too.
        }
    }

    /**
     * Copies the data. After swallowed data it copies no more, because a TCP stream can't continue after lost bytes.
     */
    private void copy(Socket from, Socket to) {
        byte[] bytes = new byte[FAST.bytes()];
        boolean lost = false;
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int length = in.read(bytes, 0, pace.bytes()); length >= 0; length = in.read(bytes, 0, pace.bytes())) {
                TimeUnit.NANOSECONDS.sleep(pace.delay().toNanos());
                synchronized (hole) {
                    lost |= swallowing;
                }
                if (!lost) {
                    out.write(bytes, 0, length);
                }
            }
        } catch (IOException | InterruptedException cut) {
            // Both ends are closed.
        }
    }

    private static void start(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
    }
}
