package dev.sluice.feed;

import io.vertx.redis.client.RedisClientType;
import io.vertx.redis.client.RedisOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Describes the address of a Redis for logs, without user, password and query. */
final class RedisEndpoint {

    private static final Pattern AUTHORITY = Pattern.compile("(?:.*@)?([\\w.-]+|\\[[0-9a-fA-F:.]+])(:\\d+)?");

    /** After the address, the path; for Unix sockets, whose path is that of the socket, only the query. */
    private static final Pattern DATABASE =
            Pattern.compile("^(?:redis|rediss)://[^/?]*/([0-9]{1,4})(?:\\?.*)?$|[?&]db=([0-9]{1,4})");

    private static final String UNKNOWN = "a Redis whose URI can't be read";

    private RedisEndpoint() {}

    /** Returns the addresses in the options. */
    static String of(RedisOptions options) {
        String all = options.getEndpoints().stream().map(RedisEndpoint::of).collect(Collectors.joining(", "));
        if (options.getType() == RedisClientType.SENTINEL) {
            return "master " + options.getMasterName() + ", says " + all;
        }
        return options.getType() == RedisClientType.STANDALONE ? all : options.getType() + " " + all;
    }

    /** Returns the number of the database that the options select. */
    static int database(RedisOptions options) {
        return options.getEndpoints().isEmpty()
                ? 0
                : database(options.getEndpoints().get(0));
    }

    /** Returns the number of the database that a URI selects. */
    static int database(String endpoint) {
        Matcher found = DATABASE.matcher(endpoint);
        return found.find() ? Integer.parseInt(found.group(found.group(1) == null ? 2 : 1)) : 0;
    }

    /** Returns one address. */
    static String of(String endpoint) {
        try {
            URI uri = new URI(endpoint);
            if ("unix".equals(uri.getScheme())) {
                return "unix:" + uri.getPath();
            }
            Matcher authority = AUTHORITY.matcher(uri.getRawAuthority() == null ? "" : uri.getRawAuthority());
            if (!authority.matches()) {
                return UNKNOWN;
            }
            String port = authority.group(2) == null ? "" : authority.group(2);
            return uri.getScheme() + "://" + authority.group(1) + port;
        } catch (URISyntaxException e) {
            return UNKNOWN;
        }
    }
}
