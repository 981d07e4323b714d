package dev.sluice.access;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.MediaType;
import java.util.Map;
import org.jboss.resteasy.reactive.RestResponse;
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
}
