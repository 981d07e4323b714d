package dev.sluice.access;

import dev.sluice.config.SluiceConfig;
import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The origins whose pages may send requests: the configured ones, and always the requested host. This restricts only
 * browsers; other clients can send any {@code Origin}, or none. Quarkus's CORS filter can't be used: it matches neither
 * subdomains ({@code https://*.example.org}) nor any port, and it compares schemes, so that a page behind a proxy that
 * ends TLS has another origin.
 */
@Startup
@Singleton
public final class Origins {

    private static final Pattern ORIGIN = Pattern.compile("([a-z][a-z0-9+.-]*)://([^/?#@*\\s]+)");
    private static final String WILDCARD = "*.";
    private static final String WILDCARD_PORT = ":*";
    private static final int ANY_PORT = 0;

    /** The characters of an origin that the log shows. */
    private static final int MAX_SHOWN = 100;

    /**
     * One allowed origin; with {@code subdomains}, every name below the host but not the host itself. The port may be {@link
     * #ANY_PORT}.
     */
    private record Origin(String scheme, String host, int port, boolean subdomains) {

        boolean covers(Origin origin) {
            return scheme.equals(origin.scheme)
                    && (port == ANY_PORT || port == origin.port)
                    && (subdomains ? origin.host.endsWith("." + host) : origin.host.equals(host));
        }

        @Override
        public String toString() {
            return scheme + "://" + host + (port == defaultPort(scheme) ? "" : ":" + port);
        }
    }

    private final boolean any;
    private final List<Origin> allowed;
    private final LimitMeter refused;

    @Inject
    Origins(SluiceConfig config, MeterRegistry metrics) {
        this(config.origins(), metrics);
    }

    /** Creates a check that allows these origins and the requested host. */
    Origins(Optional<List<String>> configured, MeterRegistry metrics) {
        this.refused = new LimitMeter("origin", metrics);
        this.any = configured.isPresent() && configured.get().contains("*");
        this.allowed = configured.orElse(List.of()).stream()
                .filter(entry -> !entry.equals("*"))
                .map(Origins::entry)
                .toList();
    }

    /** Whether the request has no {@code Origin} or an allowed one; counts and logs refused ones. */
    public boolean allow(HttpServerRequest request) {
        List<String> given = request.headers().getAll(HttpHeaders.ORIGIN);
        if (given.isEmpty()) {
            return true;
        }
        @Nullable HostAndPort host = request.authority();
        boolean may = given.size() == 1
                && allow(given.get(0), host == null ? null : host.host(), host == null ? -1 : host.port());
        if (!may) {
            refused.exceeded(shown(given.get(0)) + " (see sluice.origins)");
        }
        return may;
    }

    /**
     * Whether a page of that origin may send requests.
     *
     * @param header the value of the Origin header
     * @param host the requested host; {@code null} if there is none
     * @param port its port; not positive if the request names none
     */
    boolean allow(String header, @Nullable String host, int port) {
        if (any) {
            return true;
        }
        Origin origin = parse(header);
        if (origin == null) {
            return false;
        }
        // Behind a proxy that ends TLS, the request's own scheme differs from the page's, so the origin's scheme is
        // used.
        int requested = port > 0 ? port : defaultPort(origin.scheme);
        return (origin.host.equalsIgnoreCase(host) && origin.port == requested)
                || allowed.stream().anyMatch(entry -> entry.covers(origin));
    }

    /** Returns the origin for the log, also one such as {@code null}, which pages in files have; leaves room for the key. */
    private static String shown(String header) {
        Origin origin = parse(header);
        String text = origin == null ? header : origin.toString();
        return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "...";
    }

    private static Origin entry(String entry) {
        boolean subdomains = entry.contains("://" + WILDCARD);
        boolean anyPort = entry.endsWith(WILDCARD_PORT);
        String plain = anyPort ? entry.substring(0, entry.length() - WILDCARD_PORT.length()) : entry;
        Origin origin = parse(subdomains ? plain.replace("://" + WILDCARD, "://") : plain);
        if (origin == null || (anyPort && plain.matches(".*:\\d*"))) {
            throw new ConfigurationException("sluice.origins: '" + entry + "' is not an origin; it must look like"
                    + " https://example.org, https://*.example.org, http://localhost:* or *");
        }
        return new Origin(origin.scheme, origin.host, anyPort ? ANY_PORT : origin.port, subdomains);
    }

    private static @Nullable Origin parse(String text) {
        Matcher parts = ORIGIN.matcher(text.toLowerCase(Locale.ROOT));
        HostAndPort authority = parts.matches() ? HostAndPort.parseAuthority(parts.group(2), -1) : null;
        if (authority == null || authority.host().isEmpty()) {
            return null;
        }
        String scheme = parts.group(1);
        int port = authority.port() > 0 ? authority.port() : defaultPort(scheme);
        return new Origin(scheme, authority.host(), port, false);
    }

    private static int defaultPort(String scheme) {
        return scheme.equals("https") ? 443 : 80;
    }
}
