package dev.sluice.publish;

import dev.sluice.http.PathSegment;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpServerRequest;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.Encoded;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import java.util.function.UnaryOperator;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.jboss.resteasy.reactive.ResponseStatus;

/** Publishes any payload on any channel of a route. */
@Path("/api/channels/{channel}/messages")
@RolesAllowed("publisher")
public final class MessageResource {

    private final PublishService publications;

    MessageResource(PublishService publications) {
        this.publications = publications;
    }

    @POST
    @Consumes(MediaType.WILDCARD)
    @Produces(MediaType.APPLICATION_JSON)
    @Parameter(
            name = "channel",
            in = ParameterIn.QUERY,
            description = "The channel, if the path has - instead of it",
            schema = @Schema(type = SchemaType.STRING))
    @Operation(operationId = "publish", summary = "Publish any payload on a channel")
    @APIResponse(
            responseCode = "202",
            description = "Redis has published it, or added it to the channel's stream",
            content = @Content(schema = @Schema(implementation = Receipt.class)))
    @RequestBody(
            required = true,
            description = "The payload: any bytes, delivered unchanged",
            content = @Content(mediaType = "*/*", schema = @Schema(type = SchemaType.STRING, format = "binary")))
    @ResponseStatus(202)
    public Uni<Receipt> publish(@PathParam("channel") @Encoded String channel, @Context HttpServerRequest request) {
        return publications.publish(request, PathSegment.decode(channel, "channel", request), UnaryOperator.identity());
    }
}
