package dev.sluice.redis;

import io.vertx.redis.client.RedisOptions;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Gives addresses that name only a user ({@code redis://user@host}) the password of {@code quarkus.redis.password}.
 * Vert.x ignores a user without a password, and would log in as the default user.
 */
public final class UserPassword {

    private UserPassword() {}

    /** Adds the password of the options to their addresses. */
    public static void complete(RedisOptions configured) {
        List<String> endpoints = configured.getEndpoints();
        if (endpoints.stream().noneMatch(UserPassword::lacksPassword)) {
            return;
        }
        String password = configured.getPassword();
        if (password != null) {
            // URLEncoder writes a space as a plus, which only forms understand.
            String encoded = URLEncoder.encode(password, StandardCharsets.UTF_8).replace("+", "%20");
            configured.setEndpoints(endpoints.stream()
                    .map(endpoint ->
                            lacksPassword(endpoint) ? endpoint.replaceFirst("@", ":" + encoded + "@") : endpoint)
                    .toList());
        }
    }

    private static boolean lacksPassword(String endpoint) {
        String authority = URI.create(endpoint).getRawAuthority();
        int at = authority == null ? -1 : authority.indexOf('@');
        return at > 0 && authority.lastIndexOf(':', at) < 0;
    }
}
