package dev.sluice.bench.site;

import dev.sluice.bench.process.BenchFailure;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** The network between a pod and its Redis: one that can be cut, swallow what is sent over it, and be slow. */
public final class Link implements AutoCloseable {

    /**
     * How fast it is, in either direction of each connection.
     *
     * @param delay of each piece
     * @param bytes a piece has at most
     */
    private record Pace(Duration delay, int bytes) {}

    private static final Pace FAST = new Pace(Duration.ZERO, 64 * 1024);

    private final ServerSocket server;
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final List<Socket> toRedis = new CopyOnWriteArrayList<>();
    private volatile int target;
    private volatile boolean swallowing;
    private volatile Pace pace = FAST;

    Link(int target) {
        this.target = target;
        try {
            server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new BenchFailure("no port is free", e);
        }
        start(this::accept);
    }

    /** Where the pod connects to. */
    int port() {
        return server.getLocalPort();
    }

    /** Connections made from now on lead to another port. */
    void leadTo(int port) {
        target = port;
    }

    /** Resets every connection there is. */
    public void cut() {
        sockets.forEach(Link::reset);
        sockets.clear();
        toRedis.clear();
    }

    /** From now on nothing gets through, and nobody is told; new connections are accepted all the same. */
    public void swallow() {
        swallowing = true;
    }

    /** From now on each piece of so many bytes takes so long. */
    public void slowDown(Duration delay, int bytes) {
        pace = new Pace(delay, bytes);
    }

    /** Connections made from now on work, at full speed; those that have lost something stay as they are. */
    public void heal() {
        swallowing = false;
        pace = FAST;
    }

    /** The pod's addresses as Redis sees them. */
    public List<String> addresses() {
        return toRedis.stream()
                .filter(socket -> !socket.isClosed())
                .map(socket -> "127.0.0.1:" + socket.getLocalPort())
                .toList();
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new BenchFailure("can't close a port", e);
        }
        cut();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket pod = server.accept();
                sockets.add(pod);
                pod.setTcpNoDelay(true);
                connect(pod);
            } catch (IOException e) {
                // The pod has gone again, or this is closed.
            }
        }
    }

    private void connect(Socket pod) {
        try {
            Socket redis = new Socket(InetAddress.getLoopbackAddress(), target);
            sockets.add(redis);
            toRedis.add(redis);
            redis.setTcpNoDelay(true);
            start(() -> copy(pod, redis));
            start(() -> copy(redis, pod));
        } catch (IOException e) {
            // Nobody is there: the pod learns it as it would without a proxy, as far as a proxy can.
            reset(pod);
        }
    }

    /** What was swallowed once is lost, and so is all that would follow: a stream has no holes. */
    private void copy(Socket from, Socket to) {
        byte[] bytes = new byte[FAST.bytes()];
        boolean lost = false;
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int length = in.read(bytes, 0, pace.bytes()); length >= 0; length = in.read(bytes, 0, pace.bytes())) {
                TimeUnit.NANOSECONDS.sleep(pace.delay().toNanos());
                lost |= swallowing;
                if (!lost) {
                    out.write(bytes, 0, length);
                }
            }
        } catch (IOException | InterruptedException e) {
            // Both ends are closed.
        }
    }

    private static void reset(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            // It is closed already.
        }
    }

    private static void start(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
    }
}
