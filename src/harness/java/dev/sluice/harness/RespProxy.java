package dev.sluice.harness;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A proxy between a pod and its Redis that parses Redis's messages, and drops, doubles or swaps publications. */
public final class RespProxy implements AutoCloseable {

    /** The damage to a publication. */
    public enum Damage {
        /** It is lost. */
        DROPPED,
        /** It arrives twice. */
        DOUBLED,
        /** It arrives after the next one. */
        SWAPPED
    }

    private static final String PUBLICATION = "4\r\n$8\r\npmessage\r\n";

    private final ServerSocket server;
    private final int target;
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final AtomicReference<@Nullable Damage> next = new AtomicReference<>();

    public RespProxy(int target) {
        this.target = target;
        try {
            this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        start(this::accept);
    }

    public String redisUri() {
        return "redis://127.0.0.1:" + server.getLocalPort();
    }

    /** Damages only the next publication. */
    public void damageNext(Damage damage) {
        next.set(damage);
    }

    /** Closes every connection. */
    public void cut() {
        try {
            for (Socket socket : sockets) {
                socket.close();
            }
            sockets.clear();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            server.close();
            cut();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                Socket redis = new Socket(InetAddress.getLoopbackAddress(), target);
                sockets.addAll(List.of(client, redis));
                client.setTcpNoDelay(true);
                redis.setTcpNoDelay(true);
                start(() -> copy(client, redis));
                start(() -> pass(redis, client));
            }
        } catch (IOException closed) {
            // The proxy is closed.
        }
    }

    private static void copy(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException cut) {
            // Both ends are closed.
        }
    }

    private void pass(Socket from, Socket to) {
        try (from;
                to) {
            InputStream in = new BufferedInputStream(from.getInputStream());
            OutputStream out = to.getOutputStream();
            byte[] held = null;
            while (true) {
                byte[] element = element(in);
                Damage damage = isPublication(element) && held == null ? next.getAndSet(null) : null;
                if (damage == Damage.SWAPPED) {
                    held = element;
                } else if (damage != Damage.DROPPED) {
                    out.write(element);
                }
                if (damage == Damage.DOUBLED) {
                    out.write(element);
                }
                if (held != null && damage == null && isPublication(element)) {
                    out.write(held);
                    held = null;
                }
            }
        } catch (IOException cut) {
            // Both ends are closed.
        }
    }

    private static boolean isPublication(byte[] element) {
        return new String(element, 1, Math.min(PUBLICATION.length(), element.length - 1), StandardCharsets.US_ASCII)
                .equals(PUBLICATION);
    }

    private static byte[] element(InputStream in) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        element(in, bytes);
        return bytes.toByteArray();
    }

    private static void element(InputStream in, ByteArrayOutputStream bytes) throws IOException {
        String line = line(in, bytes);
        char type = line.charAt(0);
        if ("$=!*>~%".indexOf(type) < 0 || line.startsWith("-", 1)) {
            return;
        }
        int length = Integer.parseInt(line.substring(1));
        if ("$=!".indexOf(type) >= 0) {
            bytes.write(in.readNBytes(length + 2));
            return;
        }
        for (int i = 0; i < (type == '%' ? 2 * length : length); i++) {
            element(in, bytes);
        }
    }

    private static String line(InputStream in, ByteArrayOutputStream bytes) throws IOException {
        StringBuilder line = new StringBuilder();
        int c;
        do {
            c = in.read();
            if (c < 0) {
                throw new EOFException();
            }
            bytes.write(c);
            line.append((char) c);
        } while (c != '\n');
        return line.toString().strip();
    }

    private static void start(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
    }
}
