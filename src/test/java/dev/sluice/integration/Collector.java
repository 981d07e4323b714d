package dev.sluice.integration;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A collector of spans in OTLP, over HTTP and over gRPC; also a webhook that allows everything and keeps the headers of
 * its requests.
 */
final class Collector implements AutoCloseable {

    /**
     * A span.
     *
     * @param parent the id of its parent; empty if there is none
     * @param kind 1 within the server, 2 of a request to it, 3 of its own request
     */
    record Span(
            String trace,
            String id,
            String parent,
            String name,
            long kind,
            Map<String, String> attributes,
            boolean failed) {}

    private static final String GRPC_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    /** A flag that says whether a message is compressed, and its length. */
    private static final int GRPC_PREFIX = 5;

    private final HttpServer server;
    private final Vertx vertx = Vertx.vertx();
    private final io.vertx.core.http.HttpServer grpcServer;
    private final List<Span> spans = new CopyOnWriteArrayList<>();
    private final List<String> bodies = new CopyOnWriteArrayList<>();
    private final List<Map<String, List<String>>> asked = new CopyOnWriteArrayList<>();

    Collector() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/v1/traces", exchange -> {
            accept(exchange.getRequestBody().readAllBytes());
            answer(exchange);
        });
        server.createContext("/asked", exchange -> {
            asked.add(Map.copyOf(exchange.getRequestHeaders()));
            answer(exchange);
        });
        server.start();
        grpcServer = vertx.createHttpServer()
                .requestHandler(this::acceptGrpc)
                .listen(0, "localhost")
                .toCompletionStage()
                .toCompletableFuture()
                .join();
    }

    /** Keeps the spans of a request for an export. */
    private void accept(byte[] body) {
        bodies.add(new String(body, StandardCharsets.ISO_8859_1));
        // The numbers are those of fields in opentelemetry-proto.
        fields(body, (resource, spansOfResource) -> {
            if (resource == 1) {
                fields(bytes(spansOfResource), (scope, spansOfScope) -> {
                    if (scope == 2) {
                        fields(bytes(spansOfScope), (field, span) -> {
                            if (field == 2) {
                                spans.add(span(bytes(span)));
                            }
                        });
                    }
                });
            }
        });
    }

    private void acceptGrpc(HttpServerRequest request) {
        request.body().onSuccess(body -> {
            HttpServerResponse response = request.response().putHeader("content-type", "application/grpc");
            boolean understood = request.path().equals(GRPC_METHOD)
                    && "application/grpc".equals(request.getHeader("content-type"))
                    && body.getByte(0) == 0
                    && body.getInt(1) == body.length() - GRPC_PREFIX;
            if (understood) {
                accept(body.getBytes(GRPC_PREFIX, body.length()));
                // An empty message.
                response.write(Buffer.buffer(new byte[GRPC_PREFIX]));
            }
            response.putTrailer("grpc-status", understood ? "0" : "12").end();
        });
    }

    private static void answer(HttpExchange exchange) throws IOException {
        exchange.sendResponseHeaders(200, -1);
        exchange.close();
    }

    private static Span span(byte[] message) {
        Map<Integer, Object> all = new HashMap<>();
        Map<String, String> attributes = new HashMap<>();
        boolean[] failed = new boolean[1];
        fields(message, (field, value) -> {
            if (field == 9) {
                Map<Integer, Object> attribute = map(bytes(value));
                Object content = map(bytes(attribute.get(2))).get(1);
                attributes.put(text(attribute.get(1)), content == null ? "" : text(content));
            } else if (field == 15) {
                failed[0] = Long.valueOf(2).equals(map(bytes(value)).get(3));
            } else {
                all.put(field, value);
            }
        });
        return new Span(
                hex(all.get(1)),
                hex(all.get(2)),
                hex(all.get(4)),
                text(all.get(5)),
                (Long) all.get(6),
                attributes,
                failed[0]);
    }

    private static Map<Integer, Object> map(byte[] message) {
        Map<Integer, Object> all = new HashMap<>();
        fields(message, all::put);
        return all;
    }

    /** Reads a protobuf message: fields with numbers, and those with bytes. */
    private static void fields(byte[] message, BiConsumer<Integer, Object> each) {
        ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        while (in.hasRemaining()) {
            long key = number(in);
            Object value = switch ((int) key & 7) {
                case 0 -> number(in);
                case 1 -> in.getLong();
                case 2 -> {
                    byte[] bytes = new byte[(int) number(in)];
                    in.get(bytes);
                    yield bytes;
                }
                case 5 -> (long) in.getInt();
                default -> throw new IllegalArgumentException("no protobuf");
            };
            each.accept((int) (key >> 3), value);
        }
    }

    private static long number(ByteBuffer in) {
        long number = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = in.get();
            number |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return number;
            }
        }
    }

    private static byte[] bytes(@Nullable Object value) {
        return value == null ? new byte[0] : (byte[]) value;
    }

    private static String text(@Nullable Object value) {
        return new String(bytes(value), StandardCharsets.UTF_8);
    }

    private static String hex(@Nullable Object value) {
        return HexFormat.of().formatHex(bytes(value));
    }

    String url() {
        return "http://localhost:" + server.getAddress().getPort();
    }

    String grpcUrl() {
        return "http://localhost:" + grpcServer.actualPort();
    }

    String webhook() {
        return url() + "/asked";
    }

    /** Returns the spans of a trace in the order of their ends. */
    List<Span> trace(String id) {
        return spans.stream().filter(span -> span.trace().equals(id)).toList();
    }

    /** Returns all spans in the order of their ends. */
    List<Span> spans() {
        return spans;
    }

    /** Returns what was exported, each byte as a character. */
    List<String> bodies() {
        return bodies;
    }

    /** Returns the headers of the requests to the webhook. */
    List<Map<String, List<String>>> asked() {
        return asked;
    }

    @Override
    public void close() {
        server.stop(0);
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
