package dev.sluice.events;

import dev.sluice.http.PathSegment;
import dev.sluice.publish.Intake;
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
import org.jboss.resteasy.reactive.ResponseStatus;

/** Publishes any event to a user. */
@Path("/api/users/{id}/events")
@RolesAllowed("publisher")
public final class UserEvents {

    private final Intake intake;
    private final EventJson json;

    UserEvents(Intake intake, EventJson json) {
        this.intake = intake;
        this.json = json;
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Produces(MediaType.APPLICATION_JSON)
    @ResponseStatus(202)
    public Uni<Receipt> publish(@PathParam("id") @Encoded String id, @Context HttpServerRequest request) {
        return intake.publish(request, "user:" + PathSegment.decode(id), this::payload);
    }

    private byte[] payload(byte[] text) {
        Reading<Event> reading = json.read(text, Event.class);
        reading.check(reading.event(), List.of());
        return json.write(reading.event().at(Instant.now()));
    }
}
