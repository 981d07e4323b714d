package dev.sluice.harness;

import dev.sluice.harness.EventParser.Event;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Queue;

/** A client of server-sent events that reads a response, a stream or not, byte by byte from its socket. Not thread-safe. */
public final class EventClient implements AutoCloseable {

    private static final int TIMEOUT_MILLIS = 60_000;

    private final Socket socket;
    private final InputStream in;
    private final String head;
    private final EventParser parser = new EventParser();
    private final Queue<Event> events = new ArrayDeque<>();
    private boolean ended;

    private EventClient(Socket socket, String request) throws IOException {
        this.socket = socket;
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
        this.in = new BufferedInputStream(socket.getInputStream());
        StringBuilder text = new StringBuilder();
        while (text.indexOf("\r\n\r\n") < 0) {
            text.append((char) read());
        }
        this.head = text.toString();
    }

    /** Requests a stream for the user. */
    public static EventClient of(Pod pod, String user, String query, String... headers) {
        return of(pod.port(), user, query, headers);
    }

    /** Requests a stream for the user through another port. */
    public static EventClient of(int port, String user, String query, String... headers) {
        String[] all = new String[headers.length + 1];
        System.arraycopy(headers, 0, all, 1, headers.length);
        all[0] = "Authorization: Bearer " + Tokens.of(user);
        return send(port, "GET", query, all);
    }

    /** Sends any request to {@code /sse}. */
    public static EventClient send(int port, String method, String query, String... headers) {
        return connect(new Socket(), port, method, query, headers);
    }

    /** Requests a stream for the user through a socket that is connected. */
    public static EventClient of(Socket socket, String user, String query) {
        return connected(socket, "GET", query, "Authorization: Bearer " + Tokens.of(user));
    }

    /** Requests a stream for the user, with small receive buffers. */
    public static EventClient narrow(Pod pod, String user, String query) {
        Socket socket = new Socket();
        try {
            socket.setReceiveBufferSize(4096);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return connect(socket, pod.port(), "GET", query, "Authorization: Bearer " + Tokens.of(user));
    }

    private static EventClient connect(Socket socket, int port, String method, String query, String... headers) {
        try {
            socket.connect(new InetSocketAddress("localhost", port));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return connected(socket, method, query, headers);
    }

    private static EventClient connected(Socket socket, String method, String query, String... headers) {
        String lines = headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n";
        try {
            return new EventClient(
                    socket,
                    method + " /sse" + query + " HTTP/1.1\r\nHost: localhost:" + socket.getPort() + "\r\n" + lines
                            + "\r\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The status of the response. */
    public int status() {
        return Integer.parseInt(head.substring(9, 12));
    }

    /** Returns a header of the response, or an empty text. */
    public String header(String name) {
        return head.lines()
                .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name.toLowerCase(Locale.ROOT) + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst()
                .orElse("");
    }

    /** Returns the body of a response that is not a stream. */
    public String body() {
        try {
            return new String(in.readNBytes(Integer.parseInt(header("Content-Length"))), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for the next event. */
    public Event next() {
        while (events.isEmpty()) {
            if (!readChunk()) {
                throw new AssertionError("the stream has ended");
            }
        }
        return events.remove();
    }

    /** Waits for the next event that is a publication. */
    public Event publication() {
        Event event = next();
        while (event.type().equals("sluice")) {
            event = next();
        }
        return event;
    }

    /** Reads until the client has an id. */
    public String awaitId() {
        while (parser.lastEventId().isEmpty()) {
            if (!readChunk()) {
                throw new AssertionError("the stream has ended");
            }
        }
        return parser.lastEventId();
    }

    /** Reads until a comment has come. */
    public void awaitComment() {
        int before = parser.comments();
        while (parser.comments() == before) {
            if (!readChunk()) {
                throw new AssertionError("the stream has ended");
            }
        }
    }

    /** Reads until the response has ended; returns whether its end was sent. */
    public boolean awaitEnd() {
        try {
            while (readChunk()) {
                // Events of the meantime can be read afterwards.
            }
            return ended;
        } catch (UncheckedIOException e) {
            if (e.getCause() instanceof SocketTimeoutException) {
                throw e;
            }
            return false;
        }
    }

    /** Whether events can be read without waiting. */
    public boolean hasNext() {
        return !events.isEmpty();
    }

    /** The last event id, as of what has been read. */
    public String lastEventId() {
        return parser.lastEventId();
    }

    /** The last {@code retry}, in milliseconds. */
    public long retryMillis() {
        return parser.retryMillis();
    }

    /** Sends bytes after the request. */
    public void write(String text) {
        try {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends the connection with a reset. */
    public void reset() {
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads and parses a chunk; false where the response has ended. */
    private boolean readChunk() {
        if (ended) {
            return false;
        }
        try {
            StringBuilder size = new StringBuilder();
            for (int next = read(); next != '\n'; next = read()) {
                size.append((char) next);
            }
            int length = Integer.parseInt(size.toString().strip(), 16);
            byte[] chunk = in.readNBytes(length);
            if (chunk.length < length) {
                throw new EOFException("the stream ended within a chunk");
            }
            if (read() != '\r' || read() != '\n') {
                throw new IOException("no end of a chunk");
            }
            ended = length == 0;
            events.addAll(parser.parse(chunk, length));
            return !ended;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private int read() throws IOException {
        int next = in.read();
        if (next < 0) {
            throw new EOFException("the connection has ended");
        }
        return next;
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
