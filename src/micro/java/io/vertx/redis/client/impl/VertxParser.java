package io.vertx.redis.client.impl;

import io.vertx.core.buffer.Buffer;
import io.vertx.redis.client.Response;
import java.util.function.Consumer;

/** The parser of the Redis client, which is not public: what the decoder of the feed is measured against. */
public final class VertxParser {

    private final RESPParser parser;

    /** A parser at the beginning of a connection. */
    public VertxParser(Consumer<Response> consumer) {
        this.parser = new RESPParser(
                new ParserHandler() {
                    @Override
                    public void handle(Response response) {
                        consumer.accept(response);
                    }

                    @Override
                    public void fail(Throwable failure) {
                        throw new IllegalStateException(failure);
                    }
                },
                16);
    }

    /** Reads the next bytes. */
    public void read(Buffer bytes) {
        parser.handle(bytes);
    }
}
