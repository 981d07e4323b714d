package dev.sluice.guard;

import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.util.AsciiString;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.impl.VertxHttpRequestDecoder;

/**
 * Vert.x's decoder of requests with a limit on the number of header lines, those of a trailer included. Netty limits only
 * their bytes, and a line of four bytes takes about a hundred on the heap. Confined to the connection's event loop.
 */
final class BoundedRequestDecoder extends VertxHttpRequestDecoder {

    private final int maxLines;
    private final Runnable onExcess;
    private int lines;

    /**
     * A decoder that has seen nothing yet.
     *
     * @param maxLines header and trailer lines that one request may have
     * @param onExcess is run once for each request that has too many lines
     */
    BoundedRequestDecoder(HttpServerOptions options, int maxLines, Runnable onExcess) {
        super(options);
        this.maxLines = maxLines;
        this.onExcess = onExcess;
    }

    @Override
    protected HttpMessage createMessage(String[] initialLine) {
        lines = 0;
        return super.createMessage(initialLine);
    }

    @Override
    protected AsciiString splitHeaderName(byte[] bytes, int start, int length) {
        if (++lines > maxLines) {
            onExcess.run();
            // Vert.x answers 431 to this exception, and closes the connection.
            throw new TooLongHttpHeaderException("A request may have " + maxLines + " header lines");
        }
        return super.splitHeaderName(bytes, start, length);
    }
}
