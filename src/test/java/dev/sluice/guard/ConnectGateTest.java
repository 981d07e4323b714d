package dev.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.channel.EventLoop;
import io.quarkus.vertx.http.runtime.filters.Filter;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Uses a real server, because the class relies on its order of input and tasks. */
class ConnectGateTest {

    private static final int REQUESTS = 20;

    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    private final List<String> order = new CopyOnWriteArrayList<>();
    private final CompletableFuture<EventLoop> loop = new CompletableFuture<>();

    @AfterEach
    void close() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
    }

    @Test
    void deliveriesRunBetweenSimultaneousRequests() throws Exception {
        HttpServer server = serve();
        List<Socket> clients = new ArrayList<>();
        try {
            for (int i = 0; i < REQUESTS; i++) {
                Socket client = new Socket(InetAddress.getLoopbackAddress(), server.actualPort());
                clients.add(client);
                // Waits for an answer, so that the event loop knows the connection.
                ask(client, "/first");
            }
            CountDownLatch sent = new CountDownLatch(1);
            loop.get().execute(() -> await(sent));
            for (Socket client : clients) {
                send(client, "/burst");
            }
            sent.countDown();
            for (Socket client : clients) {
                answer(client);
            }
        } finally {
            for (Socket client : clients) {
                client.close();
            }
        }
        assertThat(order).hasSize(REQUESTS + 1).startsWith("request").endsWith("request");
        assertThat(order.indexOf("delivery")).as("position of the delivery").isBetween(1, REQUESTS / 2);
    }

    private HttpServer serve() throws Exception {
        SimpleMeterRegistry metrics = new SimpleMeterRegistry();
        ConnectGate gate = new ConnectGate(
                new ConnectRate(1, System::nanoTime),
                new AddressLimit(OptionalInt.empty(), false, metrics),
                new ConnectionSlots(1, 1, 1, metrics),
                new TurnSchedulers(),
                metrics);
        Filters filters = new Filters();
        gate.register(filters);
        Router router = Router.router(vertx);
        for (Filter filter : filters.getFilters()) {
            router.route().handler(filter.getHandler());
        }
        router.route("/first").handler(context -> {
            loop.complete(
                    Objects.requireNonNull(TcpChannel.of(context.request())).eventLoop());
            context.end();
        });
        router.route("/burst").handler(context -> {
            if (order.isEmpty()) {
                loop.join().execute(() -> order.add("delivery"));
            }
            order.add("request");
            context.end();
        });
        return vertx.createHttpServer()
                .requestHandler(router)
                .listen(0, "localhost")
                .toCompletionStage()
                .toCompletableFuture()
                .get(60, TimeUnit.SECONDS);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void ask(Socket client, String path) throws Exception {
        send(client, path);
        answer(client);
    }

    private static void send(Socket client, String path) throws Exception {
        client.getOutputStream()
                .write(("GET " + path + " HTTP/1.1\r\nHost: pod\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
    }

    /** Reads an answer without a body. */
    private static void answer(Socket client) throws Exception {
        client.setSoTimeout(60_000);
        InputStream in = client.getInputStream();
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            assertThat(next).as("the connection's end").isNotNegative();
            head.append((char) next);
        }
        assertThat(head).startsWith("HTTP/1.1 200");
    }
}
