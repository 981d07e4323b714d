package dev.sluice.access;

import dev.sluice.config.WebhookConfig;
import dev.sluice.span.Span;
import io.quarkus.rest.client.reactive.QuarkusRestClientBuilder;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpClosedException;
import jakarta.ws.rs.ProcessingException;
import jakarta.ws.rs.WebApplicationException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import javax.net.ssl.SSLException;
import org.jboss.resteasy.reactive.RestResponse;
import org.jboss.resteasy.reactive.client.api.QuarkusRestClientProperties;

/**
 * Sends requests to a backend, each in a span of its own. Repeats a request once, on a new connection, if its connection
 * was closed or reset before the answer: a backend may close an idle connection just when it is used again. Thread-safe.
 */
final class BackendClient {

    /** The message of Vert.x, which Quarkus keeps when it replaces the exception. */
    private static final String CLOSED = "Connection was closed";

    private final Backend backend;

    /** Opens a connection for each request, because several idle connections may have been closed at once. */
    private final Backend unpooled;

    BackendClient(Backend backend, Backend unpooled) {
        this.backend = backend;
        this.unpooled = unpooled;
    }

    /**
     * Returns a client of the backend at this URL.
     *
     * @throws ConfigurationException if the TLS configuration is invalid
     */
    static BackendClient at(URI url, WebhookConfig config, TlsConfigurationRegistry tls) {
        return new BackendClient(backend(url, config, tls, true), backend(url, config, tls, false));
    }

    private static Backend backend(URI url, WebhookConfig config, TlsConfigurationRegistry tls, boolean keepAlive) {
        QuarkusRestClientBuilder client = QuarkusRestClientBuilder.newBuilder()
                .baseUri(url)
                .followRedirects(false)
                .connectTimeout(config.timeout().toMillis(), TimeUnit.MILLISECONDS)
                .readTimeout(config.timeout().toMillis(), TimeUnit.MILLISECONDS)
                // By default, questions beyond 50 would wait in the client, in addition to the bulkhead.
                .property(QuarkusRestClientProperties.CONNECTION_POOL_SIZE, config.concurrency())
                .property(QuarkusRestClientProperties.KEEP_ALIVE_ENABLED, keepAlive);
        tls.get("webhook").ifPresent(client::tlsConfiguration);
        return client.build(Backend.class);
    }

    /**
     * Sends a request. The caller's timeout must include its repetition.
     *
     * @param parent the span of the client's request
     * @param request sends it to the backend that it gets, in the span that it gets
     */
    Uni<RestResponse<Void>> send(Span parent, BiFunction<Backend, Span, Uni<RestResponse<Void>>> request) {
        Span span = parent.call("webhook");
        return request.apply(backend, span)
                .onFailure(BackendClient::wasClosed)
                .recoverWithUni(() -> request.apply(unpooled, span))
                .onItem()
                .invoke(answer -> span.answered(answer.getStatus()))
                .onFailure(WebApplicationException.class)
                .invoke(refusal -> span.answered(refusal.getResponse().getStatus()))
                .onFailure()
                .invoke(failure -> span.fail("no answer"))
                .onCancellation()
                .invoke(() -> span.fail("timeout"));
    }

    /** Whether the connection had been opened, and was closed or reset before the answer. */
    private static boolean wasClosed(Throwable thrown) {
        Throwable failure =
                thrown instanceof ProcessingException && thrown.getCause() != null ? thrown.getCause() : thrown;
        if (failure.getClass().equals(IOException.class)) {
            // Quarkus also replaces exceptions of answers that can't be read.
            return CLOSED.equals(failure.getMessage());
        }
        boolean unopened = failure instanceof ConnectException
                || failure instanceof NoRouteToHostException
                || failure instanceof UnknownHostException
                || failure instanceof SSLException;
        return failure instanceof HttpClosedException || (failure instanceof IOException && !unopened);
    }
}
