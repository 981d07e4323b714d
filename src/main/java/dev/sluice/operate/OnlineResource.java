package dev.sluice.operate;

import dev.sluice.fleet.Fleet;
import dev.sluice.http.PathSegment;
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

/** Tells whether a user is connected: to any pod if the pods share a secret, otherwise to this one. */
@Path("/api/users/{id}")
@RolesAllowed({"operator", "publisher"})
@Produces(MediaType.APPLICATION_JSON)
public final class OnlineResource {

    private final Fleet fleet;

    OnlineResource(Fleet fleet) {
        this.fleet = fleet;
    }

    @GET
    @Parameter(
            name = "id",
            in = ParameterIn.QUERY,
            description = "The id, if the path has - instead of it",
            schema = @Schema(type = SchemaType.STRING))
    @Operation(summary = "Tell whether a user is connected to any pod")
    @APIResponse(responseCode = "200", description = "The number of connections")
    public Uni<Online> online(@PathParam("id") @Encoded String id, @Context HttpServerRequest request) {
        String user = PathSegment.decode(id, "id", request);
        return UserResponder.ask(fleet, user, false).map(answers -> {
            long connections = answers.sum(UserResponder.CONNECTIONS);
            return new Online(answers.scope(), user, connections > 0, connections, answers.pods());
        });
    }
}
