package dev.sluice.events;

import dev.sluice.http.PathSegment;
import dev.sluice.publish.PublishService;
import dev.sluice.publish.Receipt;
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
import java.time.Instant;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.jboss.resteasy.reactive.ResponseStatus;

/** Publishes any event on the user's channel. */
@Path("/api/users/{id}/events")
@RolesAllowed("publisher")
public final class UserEventResource {

    private final PublishService publications;
    private final EventJson json;

    UserEventResource(PublishService publications, EventJson json) {
        this.publications = publications;
        this.json = json;
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Produces(MediaType.APPLICATION_JSON)
    @Parameter(
            name = "id",
            in = ParameterIn.QUERY,
            description = "The id, if the path has - instead of it",
            schema = @Schema(type = SchemaType.STRING))
    @Operation(operationId = "publishUserEvent", summary = "Publish an event to a user")
    @APIResponse(
            responseCode = "202",
            description = "Redis has published it, or added it to the channel's stream",
            content = @Content(schema = @Schema(implementation = Receipt.class)))
    @RequestBody(required = true, content = @Content(schema = @Schema(implementation = Event.class)))
    @ResponseStatus(202)
    public Uni<Receipt> publish(@PathParam("id") @Encoded String id, @Context HttpServerRequest request) {
        return publications.publish(request, "user:" + PathSegment.decode(id, "id", request), this::payload);
    }

    private byte[] payload(byte[] text) {
        Reading<Event> reading = json.read(text, Event.class);
        reading.check(reading.event(), List.of());
        return json.write(reading.event().at(Instant.now()));
    }
}
