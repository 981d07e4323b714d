package dev.sluice.http;

import io.vertx.ext.web.RoutingContext;
import java.util.List;

/**
 * The paths of WebSockets. Compares normalised paths, as the router does: {@code /%77s}, {@code //ws} and {@code
 * /x/../ws} are {@code /ws}.
 */
public final class WebSocketPath {

    /** The paths, without a trailing slash. */
    public static final List<String> ALL = List.of("/ws", "/ws/uploads");

    private WebSocketPath() {}

    /** Whether the path is a WebSocket path. */
    public static boolean isServed(RoutingContext context) {
        return isServed(context.normalizedPath());
    }

    static boolean isServed(String normalized) {
        // The router ignores a trailing slash.
        String path = normalized.endsWith("/") ? normalized.substring(0, normalized.length() - 1) : normalized;
        return ALL.contains(path);
    }
}
