package dev.sluice.http;

import io.vertx.ext.web.RoutingContext;
import java.util.List;

/**
 * The paths of WebSockets. Compares normalised paths, as the router does: {@code /%77s}, {@code //ws} and {@code
 * /x/../ws} are {@code /ws}.
 */
public final class WebSocketPath {

    /** The path of Centrifugo's SDKs. */
    public static final String CENTRIFUGE = "/connection/websocket";

    /** The paths, without a trailing slash. */
    public static final List<String> ALL = List.of("/ws", "/ws/uploads", CENTRIFUGE);

    private WebSocketPath() {}

    /** Whether the path is a WebSocket path. */
    public static boolean isServed(RoutingContext context) {
        return isServed(context.normalizedPath());
    }

    /** Whether the path is that of Centrifugo's SDKs. */
    public static boolean isCentrifuge(RoutingContext context) {
        return withoutSlash(context.normalizedPath()).equals(CENTRIFUGE);
    }

    static boolean isServed(String normalized) {
        return ALL.contains(withoutSlash(normalized));
    }

    /** The router ignores a trailing slash. */
    private static String withoutSlash(String normalized) {
        return normalized.endsWith("/") ? normalized.substring(0, normalized.length() - 1) : normalized;
    }
}
