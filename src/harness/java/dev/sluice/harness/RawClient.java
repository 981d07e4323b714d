package dev.sluice.harness;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Consumer;
import javax.net.ssl.SSLSocketFactory;

/** A client that may break the protocol: it sends any bytes, reads slowly or not at all, and ends with a reset. */
public final class RawClient implements AutoCloseable {

    public static final int CONTINUATION = 0;
    public static final int TEXT = 1;
    public static final int BINARY = 2;
    public static final int CLOSE = 8;
    public static final int PING = 9;
    public static final int PONG = 10;
    public static final int FINAL = 0x80;
    static final int OPCODE = 0x0f;

    private static final int NARROW = 4096;

    private final Socket socket;
    private final SlowInput slow;
    private final DataInputStream in;
    private final DataOutputStream out;

    private RawClient(Socket connected, String... headers) throws IOException {
        this(connected, new byte[0], headers);
    }

    private RawClient(Socket connected, byte[] behind, String... headers) throws IOException {
        this(connected, "/ws", behind, headers);
    }

    private RawClient(Socket connected, String path, byte[] behind, String... headers) throws IOException {
        socket = connected;
        socket.setSoTimeout(60_000);
        slow = new SlowInput(socket.getInputStream());
        in = new DataInputStream(slow);
        out = new DataOutputStream(socket.getOutputStream());
        try {
            String head = upgrade(socket, path, behind, headers);
            if (!head.startsWith("HTTP/1.1 101")) {
                throw new IOException(head);
            }
        } catch (IOException e) {
            // The caller can't close it.
            socket.close();
            throw e;
        }
    }

    /** Requests an upgrade with further header lines and bytes after it, and returns the head of the answer. */
    private static String upgrade(Socket socket, String path, byte[] behind, String... headers) throws IOException {
        String request = "GET " + path + " HTTP/1.1\r\nHost: localhost:" + socket.getPort()
                + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        String more = String.join("\r\n", headers);
        if (!more.contains("Sec-WebSocket-Version")) {
            request += "Sec-WebSocket-Version: 13\r\n";
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes((request + more + (more.isEmpty() ? "\r\n" : "\r\n\r\n")).getBytes(StandardCharsets.US_ASCII));
        all.writeBytes(behind);
        socket.getOutputStream().write(all.toByteArray());
        return head(socket);
    }

    /** Returns the head of the next answer. */
    public static String head(Socket socket) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = socket.getInputStream().read();
            if (next < 0) {
                throw new EOFException("closed after: " + head);
            }
            head.append((char) next);
        }
        return head.toString();
    }

    /** Returns the head of the answer to a refused upgrade. */
    public static String refusal(Pod pod, String... headers) {
        try (Socket socket = new Socket("localhost", pod.port())) {
            socket.setSoTimeout(60_000);
            String head = upgrade(socket, "/ws", new byte[0], headers);
            if (head.startsWith("HTTP/1.1 101")) {
                throw new AssertionError("the upgrade was not refused");
            }
            return head;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connects with further header lines in the request. */
    public static RawClient connect(Pod pod, String... headers) {
        try {
            return new RawClient(new Socket("localhost", pod.port()), headers);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connects to that path. */
    public static RawClient connectTo(Pod pod, String path) {
        try {
            return new RawClient(new Socket("localhost", pod.port()), path, new byte[0]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connects, and sends the bytes before the answer to the upgrade. */
    public static RawClient pipelining(Pod pod, byte[] behind, String... headers) {
        try {
            return new RawClient(new Socket("localhost", pod.port()), behind, headers);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connects, and authenticates as the user. */
    public static RawClient of(Pod pod, String user) {
        return connect(pod).authenticated(user);
    }

    /** Connects through another port, and authenticates as the user. */
    public static RawClient of(int port, String user) {
        try {
            return new RawClient(new Socket("localhost", port)).authenticated(user);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connects with small receive buffers, and authenticates as the user. */
    public static RawClient narrow(Pod pod, String user) {
        try {
            return new RawClient(narrowSocket(pod.port())).authenticated(user);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connects with TLS and small receive buffers, and authenticates as the user. */
    public static RawClient narrow(SSLSocketFactory tls, int port, String user) {
        try {
            return new RawClient(tls.createSocket(narrowSocket(port), "localhost", port, true)).authenticated(user);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Socket narrowSocket(int port) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(NARROW);
        socket.connect(new InetSocketAddress("localhost", port));
        return socket;
    }

    private RawClient authenticated(String user) {
        boolean authenticated = false;
        try {
            text("{\"type\":\"auth\",\"token\":\"" + Tokens.of(user) + "\"}");
            authenticated = next().contains("auth_success");
        } finally {
            if (!authenticated) {
                // The caller can't close it.
                close();
            }
        }
        if (!authenticated) {
            throw new AssertionError("not authenticated");
        }
        return this;
    }

    /** Subscribes to an upload without a retained publication. */
    public RawClient subscribe(String upload) {
        text("{\"action\":\"subscribe_upload\",\"upload_id\":\"" + upload + "\"}");
        String answer = next();
        if (!answer.equals("{\"action\":\"subscribed\",\"channel\":\"upload:" + upload + "\"}")) {
            throw new AssertionError("not subscribed: " + answer);
        }
        return this;
    }

    public RawClient text(String text) {
        return frame(FINAL | TEXT, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends one masked frame with any first byte. */
    public RawClient frame(int first, byte[] payload) {
        return bytes(masked(first, payload));
    }

    /** Sends the same frame several times at once. */
    public RawClient frames(int first, byte[] payload, int times) {
        return bytes(encoded(first, payload, times));
    }

    /** Returns the bytes of several such frames. */
    public static byte[] encoded(int first, byte[] payload, int times) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = 0; i < times; i++) {
            all.writeBytes(masked(first, payload));
        }
        return all.toByteArray();
    }

    private static byte[] masked(int first, byte[] payload) {
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        DataOutputStream data = new DataOutputStream(frame);
        try {
            data.write(first);
            if (payload.length < 126) {
                data.write(0x80 | payload.length);
            } else if (payload.length < 65536) {
                data.write(0x80 | 126);
                data.writeShort(payload.length);
            } else {
                data.write(0x80 | 127);
                data.writeLong(payload.length);
            }
            // A mask of zeros leaves the payload as it is.
            data.writeInt(0);
            data.write(payload);
            return frame.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends any bytes. */
    public RawClient bytes(byte[] bytes) {
        try {
            out.write(bytes);
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends any bytes; the other side may close the connection meanwhile. */
    public RawClient attempt(byte[] bytes) {
        attempt(out, bytes);
        return this;
    }

    private static void attempt(OutputStream to, byte[] bytes) {
        try {
            to.write(bytes);
        } catch (IOException ended) {
            // The other side closed the connection.
        }
    }

    /** Returns the payload of the next frame that is neither ping nor pong. */
    public byte[] read() {
        try {
            while (true) {
                int opcode = in.readUnsignedByte() & OPCODE;
                byte[] payload = payload(in);
                if (opcode != PING && opcode != PONG) {
                    return payload;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the next text message that is not a ping message. */
    public String next() {
        try {
            while (true) {
                ByteArrayOutputStream message = new ByteArrayOutputStream();
                int first = in.readUnsignedByte();
                message.writeBytes(payload(in));
                int opcode = first & OPCODE;
                // A large message has several frames.
                for (int frame = first; opcode == TEXT && (frame & FINAL) == 0; ) {
                    frame = in.readUnsignedByte();
                    message.writeBytes(payload(in));
                }
                String text = message.toString(StandardCharsets.UTF_8);
                if (opcode == TEXT && !text.equals("{\"action\":\"ping\"}")) {
                    return text;
                }
                if (opcode == CLOSE) {
                    throw new AssertionError("closed");
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Limits reading to that many bytes at a time, with a pause after each. */
    public RawClient reads(int bytes, Duration pause) {
        slow.bytes = bytes;
        slow.pause = pause;
        return this;
    }

    /**
     * Reads as fast as possible from now on, with the buffers that the kernel gives to a socket that began with small
     * ones.
     */
    public RawClient readsFast() {
        try {
            socket.setReceiveBufferSize(1 << 20);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return reads(0, Duration.ZERO);
    }

    /** Returns the payload of the next pong; drops earlier frames. */
    public byte[] nextPong() {
        try {
            while (true) {
                int opcode = in.readUnsignedByte() & OPCODE;
                byte[] payload = payload(in);
                if (opcode == PONG) {
                    return payload;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether the other side has dropped the connection, so that it answers data with a reset. */
    public boolean isGone() {
        try {
            // An unsolicited pong, which gets no answer.
            out.write(new byte[] {(byte) (FINAL | PONG), (byte) 0x80, 0, 0, 0, 0});
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    /** Returns the code of the close frame, and drops earlier frames; 1006 without a close frame. */
    public int closeCode() {
        return closeCode(before -> {});
    }

    /** Returns the close code, and passes earlier messages to the consumer. */
    public int closeCode(Consumer<String> told) {
        return closeCode(in, told);
    }

    static int closeCode(DataInputStream in, Consumer<String> told) {
        try {
            while (true) {
                int opcode = in.readUnsignedByte() & OPCODE;
                byte[] payload = payload(in);
                if (opcode == CLOSE) {
                    return ((payload[0] & 0xff) << 8) | (payload[1] & 0xff);
                }
                told.accept(new String(payload, StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            return 1006;
        }
    }

    /** Ends the output, and reads until the other side has closed the connection; fails if it does not. */
    public void finish() throws IOException {
        end(socket);
    }

    /** Sends the bytes and ends the output; returns everything that the pod answers. */
    public static String answers(Pod pod, byte[] bytes) throws IOException {
        return answers(pod, bytes, true);
    }

    /** Sends a request that closes the connection, and returns the answer. */
    public static String answer(Pod pod, byte[] request) throws IOException {
        return answers(pod, request, false);
    }

    private static String answers(Pod pod, byte[] bytes, boolean ends) throws IOException {
        try (Socket socket = new Socket("localhost", pod.port())) {
            socket.setSoTimeout(60_000);
            attempt(socket.getOutputStream(), bytes);
            return ends ? end(socket) : readToEnd(socket);
        }
    }

    private static String end(Socket socket) throws IOException {
        try {
            socket.shutdownOutput();
        } catch (IOException ended) {
            // The other side reset the connection.
        }
        return readToEnd(socket);
    }

    private static String readToEnd(Socket socket) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] some = new byte[8192];
        try {
            for (int length = socket.getInputStream().read(some);
                    length >= 0;
                    length = socket.getInputStream().read(some)) {
                all.write(some, 0, length);
            }
        } catch (SocketTimeoutException stillOpen) {
            throw stillOpen;
        } catch (IOException reset) {
            // A reset is an end as well.
        }
        return all.toString(StandardCharsets.ISO_8859_1);
    }

    /** Ends only the output of the TCP connection. */
    public void endOutput() {
        try {
            socket.shutdownOutput();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Closes the TCP connection normally, without a close frame. */
    public void end() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Resets the TCP connection. */
    public void reset() {
        if (socket.isClosed()) {
            return;
        }
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        reset();
    }

    static byte[] payload(DataInputStream in) throws IOException {
        int length = in.readUnsignedByte();
        if (length == 126) {
            length = in.readUnsignedShort();
        } else if (length == 127) {
            length = Math.toIntExact(in.readLong());
        }
        return in.readNBytes(length);
    }

    /** Reads at a limited speed. */
    private static final class SlowInput extends FilterInputStream {
        private int bytes;
        private Duration pause = Duration.ZERO;

        SlowInput(InputStream from) {
            super(from);
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            if (bytes == 0) {
                return super.read(into, offset, length);
            }
            Waiting.sleep(pause);
            return super.read(into, offset, Math.min(length, bytes));
        }
    }
}
