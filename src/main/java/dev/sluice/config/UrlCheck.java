package dev.sluice.config;

import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.config.ConfigSourceInterceptor;
import io.smallrye.config.ConfigSourceInterceptorContext;
import io.smallrye.config.ConfigValue;
import jakarta.annotation.Priority;
import java.io.Serial;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Refuses URLs in the configuration that can't be read, with errors that name the key. Quarkus's own errors quote the value, which
 * may contain a password, and Vert.x's do not name the key.
 */
@Priority(UrlCheck.PRIORITY)
public final class UrlCheck implements ConfigSourceInterceptor {

    /** After expressions have been replaced (3300), and before one key is read in place of another (3600). */
    static final int PRIORITY = 3500;

    @Serial
    private static final long serialVersionUID = 1L;

    private static final String REDIS = "quarkus.redis.";
    private static final String HOSTS = "hosts";

    private static final Set<String> URLS = Set.of(
            "sluice.webhook.url",
            "sluice.webhook.connect.url",
            "quarkus.otel.exporter.otlp.endpoint",
            "quarkus.otel.exporter.otlp.traces.endpoint");

    /** A comma, unless a backslash precedes it. */
    private static final Pattern SEPARATOR = Pattern.compile("(?<!\\\\),");

    private static final Pattern DATABASE = Pattern.compile("/?|/\\d{1,9}");
    private static final Pattern DATABASE_PARAMETER = Pattern.compile("(^|.*&)db=(?!\\d{1,9}(&|$)).*");
    static final int MAX_PORT = 65_535;

    /** Called by the service loader. */
    public UrlCheck() {}

    @Override
    public @Nullable ConfigValue getValue(ConfigSourceInterceptorContext context, String name) {
        ConfigValue found = context.proceed(name);
        if (found != null && found.getValue() != null) {
            check(name, found.getValue());
        }
        return found;
    }

    /** Throws if the key is that of a URL, and the value is none. */
    static void check(String key, String value) {
        if (key.startsWith(REDIS) && (key.equals(REDIS + HOSTS) || key.endsWith("." + HOSTS))) {
            for (String address : SEPARATOR.split(value, -1)) {
                String problem = address.isBlank() ? null : problem(address.strip());
                if (problem != null) {
                    throw new ConfigurationException(key + ": " + problem + "; an address looks like redis://host:6379,"
                            + " with special characters of user and password percent-encoded");
                }
            }
        } else if (URLS.contains(key)) {
            try {
                new URI(value.strip());
            } catch (URISyntaxException e) {
                throw new ConfigurationException(key + " is not a URL: " + reason(e));
            }
        }
    }

    private static @Nullable String problem(String address) {
        URI uri;
        try {
            uri = new URI(address);
        } catch (URISyntaxException e) {
            return "an address is not a URL: " + reason(e);
        }
        if ("unix".equals(uri.getScheme())) {
            return isDatabase(uri) ? null : "an address has an invalid number of a database";
        }
        if (!"redis".equals(uri.getScheme()) && !"rediss".equals(uri.getScheme())) {
            return "an address does not begin with redis://, rediss:// or unix:";
        }
        if (uri.getHost() == null || uri.getPort() == 0 || uri.getPort() > MAX_PORT) {
            return "an address has no host, or an invalid host or port (host names have no underscore)";
        }
        return isDatabase(uri) && DATABASE.matcher(uri.getPath()).matches()
                ? null
                : "an address has an invalid number of a database";
    }

    private static boolean isDatabase(URI uri) {
        return uri.getQuery() == null
                || !DATABASE_PARAMETER.matcher(uri.getQuery()).matches();
    }

    /** Returns what is wrong, without the text that is wrong. */
    private static String reason(URISyntaxException e) {
        String reason = e.getReason().toLowerCase(Locale.ROOT);
        return e.getIndex() < 0 ? reason : reason + ", after " + e.getIndex() + " characters";
    }
}
