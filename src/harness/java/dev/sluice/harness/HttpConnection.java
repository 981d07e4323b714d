package dev.sluice.harness;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A connection for any number of HTTP requests, several of which may be sent before the first answer, and the last of which may
 * make it a WebSocket. Unlike with {@link RawClient}, refusals are answers, and broken connections {@link IOException}s. Not
 * thread-safe.
 */
public final class HttpConnection implements AutoCloseable {

    /** A request for an upgrade, without the empty line at its end. */
    public static final String UPGRADE = """
            GET /ws HTTP/1.1\r
            Host: pod\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
            """;

    public static final int SWITCHING_PROTOCOLS = 101;

    private static final String STATUS = "HTTP/1.1 ";
    private static final String LENGTH = "content-length:";
    private static final String PING_MESSAGE = "{\"action\":\"ping\"}";
    private static final int PATIENCE_MILLIS = 60_000;

    /** Small, because a test may hold thousands of connections. */
    private static final int BUFFER = 1024;

    private final Socket socket = new Socket();
    private final DataInputStream in;

    /** Connects to the pod. */
    public HttpConnection(Pod pod) throws IOException {
        this(new InetSocketAddress("localhost", pod.port()), PATIENCE_MILLIS);
    }

    /**
     * Connects to the address.
     *
     * @param patienceMillis how long to wait for the connection, and for each part of an answer
     */
    public HttpConnection(InetSocketAddress address, int patienceMillis) throws IOException {
        this(address, patienceMillis, 0);
    }

    /**
     * The same with a receive buffer of this size.
     *
     * @param buffer in bytes; 0 for the system's
     */
    public HttpConnection(InetSocketAddress address, int patienceMillis, int buffer) throws IOException {
        try {
            if (buffer > 0) {
                socket.setReceiveBufferSize(buffer);
            }
            socket.setSoTimeout(patienceMillis);
            socket.setTcpNoDelay(true);
            socket.connect(address, patienceMillis);
            in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), BUFFER));
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** Sends requests, in ISO 8859-1. */
    public void send(String requests) throws IOException {
        send(requests.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Sends any bytes. */
    public void send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
    }

    /** Waits for the next answer, skips its body, and returns its status. */
    public int status() throws IOException {
        return status(true);
    }

    /**
     * Waits for the next answer, skips its body, and returns its status.
     *
     * @param hasBody false if the answer to such a request has none, or no end
     */
    public int status(boolean hasBody) throws IOException {
        String first = line();
        if (!first.startsWith(STATUS)) {
            throw new IOException("no answer: " + first);
        }
        int status = Integer.parseInt(first.substring(9, 12));
        int length = 0;
        for (String line = line(); !line.isEmpty(); line = line()) {
            if (line.toLowerCase(Locale.ROOT).startsWith(LENGTH)) {
                length = Integer.parseInt(line.substring(LENGTH.length()).strip());
            }
        }
        if (hasBody) {
            in.skipNBytes(length);
        }
        return status;
    }

    /** Whether a part of an answer has come. */
    public boolean isAnswered() throws IOException {
        return in.available() > 0;
    }

    /** Requests an upgrade with further header lines, and returns the status of the answer. */
    public int upgrade(String headers) throws IOException {
        send(UPGRADE + headers + "\r\n");
        return status();
    }

    /** Sends a text message in ASCII, after an upgrade. */
    public void message(String text) throws IOException {
        send(RawClient.encoded(RawClient.FINAL | RawClient.TEXT, text.getBytes(StandardCharsets.US_ASCII), 1));
    }

    /** Returns the next text message other than a ping. */
    public String nextMessage() throws IOException {
        while (true) {
            int opcode = in.readUnsignedByte() & RawClient.OPCODE;
            if (opcode == RawClient.CLOSE) {
                throw new EOFException("closed");
            }
            String text = new String(RawClient.payload(in), StandardCharsets.UTF_8);
            if (opcode == RawClient.TEXT && !text.equals(PING_MESSAGE)) {
                return text;
            }
        }
    }

    /** Returns the code of the close frame, and drops earlier frames; 1006 without a close frame. */
    public int closeCode() {
        return RawClient.closeCode(in, before -> {});
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(80);
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new EOFException("closed after: " + line.toString(StandardCharsets.ISO_8859_1));
            }
            if (next != '\r') {
                line.write(next);
            }
        }
        return line.toString(StandardCharsets.ISO_8859_1);
    }

    /** Resets the connection when it is closed, instead of ending it. */
    public void resets() throws IOException {
        socket.setSoLinger(true, 0);
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
