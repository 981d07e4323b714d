package dev.sluice.operate;

import dev.sluice.fleet.ListenersResponder;
import dev.sluice.http.PathSegment;
import dev.sluice.http.ProblemException;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpServerRequest;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.Encoded;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;

/** Counts the subscribers of a channel: on all pods if the pods share a secret, otherwise on this one. */
@Path("/api/channels/{channel}")
@RolesAllowed("operator")
@Produces(MediaType.APPLICATION_JSON)
public final class ChannelResource {

    private final ListenersResponder listeners;
    private final Routes routes;

    ChannelResource(ListenersResponder listeners, Routes routes) {
        this.listeners = listeners;
        this.routes = routes;
    }

    @GET
    @Parameter(
            name = "channel",
            in = ParameterIn.QUERY,
            description = "The channel, if the path has - instead of it",
            schema = @Schema(type = SchemaType.STRING))
    @Operation(operationId = "countSubscribers", summary = "Count the subscribers of a channel on all pods")
    @APIResponse(responseCode = "200", description = "The numbers of connections and users")
    public Uni<ChannelAudience> audience(
            @PathParam("channel") @Encoded String encoded, @Context HttpServerRequest request) {
        Channel channel = routes.resolve(PathSegment.decode(encoded, "channel", request));
        if (channel == null) {
            throw ProblemException.badRequest(Routes.NO_CHANNEL);
        }
        return listeners
                .ask(channel, false)
                .map(found -> new ChannelAudience(
                        found.scope(), channel.name(), found.connections(), found.users(), found.pods()));
    }
}
