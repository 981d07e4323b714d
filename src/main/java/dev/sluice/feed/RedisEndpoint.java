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
