package dev.sluice.http;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import org.jspecify.annotations.Nullable;

/** The path of server-sent events, normalised like {@link WebSocketPath}, and the headers of every response there. */
public final class EventStreamPath {

    /** The path, without a slash at the end. */
    public static final String PATH = "/sse";

    /** The media type of a stream. */
    public static final String MEDIA_TYPE = "text/event-stream";

    private EventStreamPath() {}

    /** Whether server-sent events are served at the path. */
    public static boolean isServed(RoutingContext context) {
        String path = context.normalizedPath();
        return path.equals(PATH) || path.equals(PATH + "/");
    }

    /** Lets the page that sent the request, whose origin has been checked, read the answer. */
    static void allowOrigin(HttpServerRequest request) {
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        HttpServerResponse response = request.response().putHeader(HttpHeaders.VARY, HttpHeaders.ORIGIN);
        if (origin != null) {
            response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, origin)
                    .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
    }

    /** Sets the headers of a stream. */
    public static HttpServerResponse begin(HttpServerRequest request) {
        return request.response()
                .putHeader(HttpHeaders.CONTENT_TYPE, MEDIA_TYPE)
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store")
                // nginx would hold events back.
                .putHeader("X-Accel-Buffering", "no");
    }

    /**
     * Returns the body of a temporary refusal, or {@code null} if the client understands a status. A browser's
     * {@code EventSource} reconnects after a stream that ended, and never after another status than 200.
     *
     * @param seconds after which it reconnects
     */
    public static @Nullable String refusal(RoutingContext context, String seconds) {
        String accept = context.request().getHeader(HttpHeaders.ACCEPT);
        return isServed(context) && accept != null && accept.contains(MEDIA_TYPE)
                ? "retry: " + seconds + "000\n\n"
                : null;
    }
}
