package dev.sluice.console;

import dev.sluice.config.SluiceConfig;
import dev.sluice.http.Problem;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Serves the console's page at {@code /}, if enabled. The page itself needs no token, but its data does. */
@Singleton
final class Page {

    private static final String FOLDER = "/console/";

    private static final String INDEX = "index.html";
    private static final List<String> FILES = List.of(
            INDEX,
            "style.css",
            "sluice.svg",
            "console.js",
            "connections.js",
            "chart.js",
            "format.js",
            "stream.js",
            "extras.js",
            "fleet.js",
            "client/sluice.js");

    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html;charset=utf-8",
            "css", "text/css;charset=utf-8",
            "svg", "image/svg+xml",
            "js", "text/javascript;charset=utf-8");

    /** Allows only resources from this origin. */
    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
                    + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private final boolean enabled;

    Page(SluiceConfig config) {
        this.enabled = config.console().enabled();
    }

    void serve(@Observes Router router) {
        if (enabled) {
            FILES.forEach(file -> serve(router, FOLDER + file, file));
            serve(router, "/", INDEX);
        } else {
            router.route("/api/console/*").handler(Page::refuse);
        }
    }

    private static void serve(Router router, String path, String file) {
        Buffer content = content(file);
        String type = Objects.requireNonNull(TYPES.get(file.substring(file.lastIndexOf('.') + 1)));
        router.route(path).method(HttpMethod.GET).method(HttpMethod.HEAD).handler(request -> {
            HttpServerResponse response = request.response();
            response.putHeader(HttpHeaders.CONTENT_TYPE, type)
                    .putHeader(HttpHeaders.CACHE_CONTROL, "no-cache")
                    .putHeader("Content-Security-Policy", POLICY)
                    .putHeader("X-Content-Type-Options", "nosniff")
                    .end(content);
        });
    }

    private static Buffer content(String file) {
        try (InputStream in = Objects.requireNonNull(Page.class.getResourceAsStream(FOLDER + file), file)) {
            return Buffer.buffer(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Responds with 404 also without a token. */
    private static void refuse(RoutingContext request) {
        Problem problem = new Problem(404, "This path does not exist");
        request.response()
                .setStatusCode(problem.status())
                .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                .end(problem.json());
    }
}
