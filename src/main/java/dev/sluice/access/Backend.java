package dev.sluice.access;

import dev.sluice.config.WebhookConfig;
import dev.sluice.span.Span;
import io.quarkus.rest.client.reactive.QuarkusRestClientBuilder;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jboss.resteasy.reactive.RestResponse;
import org.jboss.resteasy.reactive.client.api.QuarkusRestClientProperties;
import org.jspecify.annotations.Nullable;

/** A backend as a REST client. TLS is configured by {@code quarkus.tls.webhook.*}. */
@Path("")
interface Backend {

    /** The header with the span of the request. */
    String PARENT = "traceparent";

    /** The header with what tracing systems add to it. */
    String STATE = "tracestate";

    /**
     * Whether a user may listen to a channel.
     *
     * @param user the subject of the user's token
     * @param channel the channel's name
     */
    record Question(String user, String channel) {}

    /**
     * Whether the user of a valid token may connect.
     *
     * @param user the token's subject
     * @param claims all that the token says
     */
    record ConnectRequest(String user, Map<String, Object> claims) {}

    /** Asks; a status of 4xx or 5xx is a failure. */
    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    Uni<RestResponse<Void>> mayListen(
            @HeaderParam(PARENT) @Nullable String parent,
            @HeaderParam(STATE) @Nullable String state,
            Question question);

    /** Asks; a status of 4xx or 5xx is a failure. */
    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    Uni<RestResponse<Void>> mayConnect(
            @HeaderParam(PARENT) @Nullable String parent,
            @HeaderParam(STATE) @Nullable String state,
            ConnectRequest arrival);

    /** Sends a request in a span of its own. */
    static Uni<RestResponse<Void>> traced(Span parent, Function<Span, Uni<RestResponse<Void>>> request) {
        Span span = parent.call("webhook");
        return request.apply(span)
                .onItem()
                .invoke(answer -> span.answered(answer.getStatus()))
                .onFailure(WebApplicationException.class)
                .invoke(refusal -> span.answered(refusal.getResponse().getStatus()))
                .onFailure()
                .invoke(failure -> span.fail("no answer"))
                .onCancellation()
                .invoke(() -> span.fail("timeout"));
    }

    /**
     * Returns the backend at this URL.
     *
     * @throws ConfigurationException if the TLS configuration is invalid
     */
    static Backend at(URI url, WebhookConfig config, TlsConfigurationRegistry tls) {
        QuarkusRestClientBuilder client = QuarkusRestClientBuilder.newBuilder()
                .baseUri(url)
                .followRedirects(false)
                .connectTimeout(config.timeout().toMillis(), TimeUnit.MILLISECONDS)
                .readTimeout(config.timeout().toMillis(), TimeUnit.MILLISECONDS)
                // By default, questions beyond 50 would wait in the client, in addition to the bulkhead.
                .property(QuarkusRestClientProperties.CONNECTION_POOL_SIZE, config.concurrency());
        tls.get("webhook").ifPresent(client::tlsConfiguration);
        return client.build(Backend.class);
    }
}
