package dev.sluice.route;

import io.quarkus.runtime.configuration.ConfigurationException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Finds the route of a channel. Immutable; who listens is not its business. */
@Singleton
public final class Routes {

    /** The prefix of the pods' own traffic, which no route may have. */
    private static final String RESERVED = "sluice";

    private static final int MAX_ID_BYTES = 256;

    /** A prefix becomes a Redis pattern and part of a configuration key: no colon, glob sign, dot or quote. */
    private static final Pattern PREFIX = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    private final Map<String, Route> byPrefix;

    @Inject
    Routes(RoutesConfig config) {
        Map<String, Route> routes = new HashMap<>();
        config.byPrefix().forEach((prefix, route) -> {
            String key = "sluice.routes." + prefix;
            if (prefix.equals(RESERVED) || !PREFIX.matcher(prefix).matches()) {
                throw new ConfigurationException(
                        key + ": a prefix is 1 to 64 letters, digits, '-' or '_', and '" + RESERVED + "' is reserved");
            }
            if (route.audience() == Audience.SUBSCRIBERS && route.access().isEmpty()) {
                throw new ConfigurationException(key + ".access is not set: say who may subscribe");
            }
            routes.put(prefix, new Route(prefix, route.audience()));
        });
        this.byPrefix = Map.copyOf(routes);
    }

    /** The prefixes of all routes. */
    public Set<String> prefixes() {
        return byPrefix.keySet();
    }

    /** Every route. */
    public Iterable<Route> all() {
        return byPrefix.values();
    }

    /** The channel of that name, or {@code null} where no route knows its prefix, or its id is empty or too long. */
    public @Nullable Channel resolve(String name) {
        int colon = name.indexOf(':');
        if (colon < 0) {
            return null;
        }
        Route route = byPrefix.get(name.substring(0, colon));
        if (route == null) {
            return null;
        }
        String id = name.substring(colon + 1);
        return id.isEmpty() || tooLong(id) ? null : new Channel(route, name, id);
    }

    private static boolean tooLong(String id) {
        if (id.length() > MAX_ID_BYTES) {
            return true;
        }
        // A char is at most three bytes.
        return id.length() * 3 > MAX_ID_BYTES && id.getBytes(StandardCharsets.UTF_8).length > MAX_ID_BYTES;
    }
}
