package dev.sluice.http;

import io.vertx.ext.web.RoutingContext;

/**
 * Which paths are those of WebSockets. Looks at the path as the router does, normalised: {@code /%77s}, {@code //ws} and
 * {@code /x/../ws} are {@code /ws}.
 */
public final class WebSocketPath {

    private static final String ROOT = "/ws";
    private static final String UPLOADS = "/ws/uploads";

    private WebSocketPath() {}

    /** Whether a WebSocket endpoint serves the path. */
    public static boolean isServed(RoutingContext context) {
        return isServed(context.normalizedPath());
    }

    static boolean isServed(String normalized) {
        // The router ignores a slash at the end.
        String path = normalized.endsWith("/") ? normalized.substring(0, normalized.length() - 1) : normalized;
        return path.equals(ROOT) || path.equals(UPLOADS);
    }
}
