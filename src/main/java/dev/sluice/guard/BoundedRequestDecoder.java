package dev.sluice.guard;

import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.util.AsciiString;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.impl.VertxHttpRequestDecoder;

/**
 * Extends Vert.x's request decoder with a limit on the number of header and trailer lines. Netty limits only their
 * bytes, and a line of 4 bytes takes about 100 bytes of heap. Confined to the connection's event loop.
 */
final class BoundedRequestDecoder extends VertxHttpRequestDecoder {

    private final int maxLines;
    private final Runnable onExcess;
    private int lines;

    /**
     * Creates a decoder for one connection.
     *
     * @param maxLines the maximum number of header and trailer lines of a request
     * @param onExcess runs once for each request with too many lines
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
            // Vert.x handles this exception: it responds with 431 and closes the connection.
            throw new TooLongHttpHeaderException("A request may have " + maxLines + " header lines");
        }
        return super.splitHeaderName(bytes, start, length);
    }
}
