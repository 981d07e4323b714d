package dev.sluice.http;

import io.vertx.ext.web.RoutingContext;
import java.util.List;

/**
 * Which paths are those of WebSockets. Looks at the path as the router does, normalised: {@code /%77s}, {@code //ws} and
 * {@code /x/../ws} are {@code /ws}.
 */
public final class WebSocketPath {

    /** The paths, without a slash at the end. */
    public static final List<String> ALL = List.of("/ws", "/ws/uploads");

    private WebSocketPath() {}

    /** Whether WebSockets are served at the path. */
    public static boolean isServed(RoutingContext context) {
        return isServed(context.normalizedPath());
    }

    static boolean isServed(String normalized) {
        // The router ignores a slash at the end.
        String path = normalized.endsWith("/") ? normalized.substring(0, normalized.length() - 1) : normalized;
        return ALL.contains(path);
    }
}
