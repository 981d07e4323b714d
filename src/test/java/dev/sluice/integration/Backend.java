package dev.sluice.integration;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;

/** An HTTP server with answers that the test chooses: a webhook backend, or a server of keys. */
final class Backend implements AutoCloseable {

    private final HttpServer server;
    private final String scheme;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private volatile CountDownLatch gate = new CountDownLatch(0);
    private volatile int status = 200;
    private volatile String body = "";
    private final AtomicInteger closing = new AtomicInteger();

    Backend() {
        this("http", create(HttpServer::create));
    }

    /** Starts one with TLS. */
    Backend(SSLContext keys) {
        this("https", create((address, backlog) -> {
            HttpsServer secured = HttpsServer.create(address, backlog);
            secured.setHttpsConfigurator(new HttpsConfigurator(keys));
            return secured;
        }));
    }

    private Backend(String scheme, HttpServer server) {
        this.scheme = scheme;
        this.server = server;
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            requests.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            if (closing.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                exchange.close();
                return;
            }
            try {
                gate.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            if (status / 100 == 3) {
                exchange.getResponseHeaders().add("Location", url());
            }
            byte[] answer = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, answer.length == 0 ? -1 : answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
    }

    @FunctionalInterface
    private interface Creation {
        HttpServer at(InetSocketAddress address, int backlog) throws IOException;
    }

    private static HttpServer create(Creation creation) {
        try {
            return creation.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String url() {
        return scheme + "://localhost:" + server.getAddress().getPort() + "/asked?by=sluice";
    }

    /** Answers with this status from now on. */
    void answers(int with) {
        status = with;
    }

    /** Closes the connections of the next requests without an answer. */
    void closes(int next) {
        closing.set(next);
    }

    /** Answers with 200 and this text from now on. */
    void says(String text) {
        body = text;
        status = 200;
    }

    /** Answers nothing until it is released. */
    void hang() {
        gate = new CountDownLatch(1);
    }

    void goOn() {
        gate.countDown();
    }

    /** Returns the bodies of the requests. */
    List<String> requests() {
        return requests;
    }

    @Override
    public void close() {
        goOn();
        server.stop(0);
        threads.shutdownNow();
    }
}
