package dev.sluice.operate;

import dev.sluice.http.PathSegment;
import dev.sluice.http.ProblemException;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.vertx.core.http.HttpServerRequest;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.Encoded;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;

/** Counts the subscribers of a channel on this pod. */
@Path("/api/channels/{channel}")
@RolesAllowed("operator")
@Produces(MediaType.APPLICATION_JSON)
public final class ChannelResource {

    private final Registry registry;
    private final Routes routes;

    ChannelResource(Registry registry, Routes routes) {
        this.registry = registry;
        this.routes = routes;
    }

    @GET
    @Parameter(
            name = "channel",
            in = ParameterIn.QUERY,
            description = "The channel, if the path has - instead of it",
            schema = @Schema(type = SchemaType.STRING))
    @Operation(summary = "Count the subscribers of a channel on this pod")
    @APIResponse(responseCode = "200", description = "The numbers of connections and users")
    public ChannelAudience audience(@PathParam("channel") @Encoded String encoded, @Context HttpServerRequest request) {
        Channel channel = routes.resolve(PathSegment.decode(encoded, "channel", request));
        if (channel == null) {
            throw ProblemException.badRequest(Routes.NO_CHANNEL);
        }
        List<Connection> connections = registry.hearing(channel);
        long users = connections.stream().map(Connection::user).distinct().count();
        return new ChannelAudience("pod", channel.name(), connections.size(), users);
    }
}
