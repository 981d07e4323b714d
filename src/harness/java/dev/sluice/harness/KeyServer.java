package dev.sluice.harness;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ServerSocketFactory;

/** An HTTP server of keys whose answers the test chooses byte by byte; one request per connection. */
public final class KeyServer implements AutoCloseable {

    /** Writes an answer; the connection is closed after it. */
    public interface Answer {
        void to(Socket client, OutputStream out) throws IOException, InterruptedException;
    }

    private final ServerSocket server;
    private final String scheme;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger requests = new AtomicInteger();
    private volatile Answer answer = http("404 Not Found", "");

    public KeyServer() {
        this(ServerSocketFactory.getDefault(), "http");
    }

    public KeyServer(ServerSocketFactory sockets, String scheme) {
        try {
            this.server = sockets.createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        this.scheme = scheme;
        threads.execute(this::accept);
    }

    /** Returns a well-formed answer. */
    public static Answer http(String status, String body, String... headers) {
        return (client, out) -> out.write(("HTTP/1.1 " + status + "\r\nContent-Length: " + body.length() + "\r\n"
                        + String.join(
                                "",
                                Arrays.stream(headers)
                                        .map(line -> line + "\r\n")
                                        .toList())
                        + "\r\n" + body)
                .getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Sets the answer. */
    public void answers(Answer with) {
        answer = with;
    }

    /** Sets an answer with these keys. */
    public void has(Tokens.NamedKey... keys) {
        answers(http("200 OK", Tokens.jwks(keys), "Content-Type: application/json"));
    }

    public String url() {
        return scheme + "://localhost:" + server.getLocalPort() + "/jwks.json";
    }

    public int requests() {
        return requests.get();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                threads.execute(() -> serve(client));
            } catch (IOException e) {
                // The server is closed.
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.ISO_8859_1));
            String request = in.readLine();
            while (request != null && !in.readLine().isEmpty()) {
                // Reads the rest of the head.
            }
            if (request != null && request.toUpperCase(Locale.ROOT).startsWith("GET ")) {
                requests.incrementAndGet();
                answer.to(client, client.getOutputStream());
            }
        } catch (IOException e) {
            // The client closed the connection early.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        threads.shutdownNow();
    }
}
