package dev.sluice.publish;

import dev.sluice.http.Problem;
import dev.sluice.http.ProblemException;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import java.time.Duration;

/** Reads the body of one request, up to a maximum size. Confined to the request's event loop. */
final class Body {

    private final Buffer bytes = Buffer.buffer();
    private final Promise<byte[]> whole = Promise.promise();
    private final int max;

    private Body(int max) {
        this.max = max;
    }

    /**
     * Returns the body; fails with a {@link ProblemException} if it is too large, late, or incomplete.
     *
     * @param max the maximum size in bytes
     */
    static Future<byte[]> read(HttpServerRequest request, int max, Duration timeout, Vertx vertx) {
        Body body = new Body(max);
        long timer = vertx.setTimer(
                timeout.toMillis(),
                fired -> body.whole.tryFail(
                        new ProblemException(new Problem(408, "The body did not arrive within " + timeout))));
        request.handler(body::add)
                .exceptionHandler(lost -> body.whole.tryFail(ProblemException.badRequest("The body ended too early")))
                .endHandler(end -> body.whole.tryComplete(body.bytes.getBytes()));
        sendContinue(request);
        request.resume();
        return body.whole.future().onComplete(read -> vertx.cancelTimer(timer));
    }

    /** Sends {@code 100 Continue} to a client that expects it. */
    private static void sendContinue(HttpServerRequest request) {
        if (request.version() == HttpVersion.HTTP_1_1
                && "100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
            request.headers().remove(HttpHeaders.EXPECT);
            request.response().writeContinue();
        }
    }

    private void add(Buffer part) {
        if (whole.future().isComplete()) {
            // Discards the rest of a refused body.
            return;
        }
        if (bytes.length() + part.length() > max) {
            whole.tryFail(new ProblemException(new Problem(413, "The body is larger than " + max + " bytes")));
        } else {
            bytes.appendBuffer(part);
        }
    }
}
