package dev.sluice.operate;

import dev.sluice.control.Control;
import dev.sluice.http.PathSegment;
import dev.sluice.http.ProblemException;
import dev.sluice.log.RootCause;
import dev.sluice.publish.NotConfirmed;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpServerRequest;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.Encoded;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.jboss.logging.Logger;

/**
 * Shows a user's connections to this pod, and disconnects the user: from every pod if the pods share a secret,
 * otherwise from this one.
 */
@Path("/api/users/{id}/connections")
@RolesAllowed("operator")
@Produces(MediaType.APPLICATION_JSON)
public final class UserResource {

    private static final Logger LOG = Logger.getLogger(UserResource.class);

    private final Registry registry;
    private final Disconnector disconnector;
    private final Control control;

    UserResource(Registry registry, Disconnector disconnector, Control control) {
        this.registry = registry;
        this.disconnector = disconnector;
        this.control = control;
    }

    @GET
    @Parameter(
            name = "id",
            in = ParameterIn.QUERY,
            description = "The id, if the path has - instead of it",
            schema = @Schema(type = SchemaType.STRING))
    @Operation(summary = "List a user's connections to this pod")
    @APIResponse(responseCode = "200", description = "The current connections")
    public Presence connections(@PathParam("id") @Encoded String id, @Context HttpServerRequest request) {
        String user = PathSegment.decode(id, "id", request);
        return new Presence(
                "pod",
                user,
                registry.connections(user).entrySet().stream()
                        .map(UserResource::one)
                        .toList());
    }

    private static Presence.One one(Map.Entry<Connection, List<Channel>> entry) {
        return new Presence.One(
                entry.getKey().since(),
                entry.getValue().stream().map(Channel::name).toList());
    }

    @DELETE
    @Parameter(
            name = "id",
            in = ParameterIn.QUERY,
            description = "The id, if the path has - instead of it",
            schema = @Schema(type = SchemaType.STRING))
    @Operation(summary = "Disconnect a user from every pod if sluice.control.secret is set, otherwise from this one")
    @APIResponse(
            responseCode = "200",
            description = "The result; scope tells whether it applies to this pod or to the fleet")
    public Uni<Disconnection> disconnect(@PathParam("id") @Encoded String id, @Context HttpServerRequest request) {
        String user = PathSegment.decode(id, "id", request);
        int closed = disconnector.disconnect(user);
        if (!control.enabled()) {
            return Uni.createFrom().item(new Disconnection("pod", user, closed, null));
        }
        return control.disconnect(user)
                .map(receivers -> new Disconnection("fleet", user, closed, receivers))
                .onFailure(NotConfirmed.class)
                .transform(failure -> {
                    LOG.warnf(
                            "Redis did not confirm the request to other pods to disconnect a user: %s. Repeat the request",
                            RootCause.innermost(failure));
                    return ProblemException.unavailable(
                            "Redis did not confirm the request to the other pods in time; closed connections on this pod: "
                                    + closed);
                });
    }
}
