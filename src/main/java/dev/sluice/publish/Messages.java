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
import org.jboss.resteasy.reactive.ResponseStatus;

/** Publishes any payload on any channel of a route. */
@Path("/api/channels/{channel}/messages")
@RolesAllowed("publisher")
public final class Messages {

    private final Intake intake;

    Messages(Intake intake) {
        this.intake = intake;
    }

    @POST
    @Consumes(MediaType.WILDCARD)
    @Produces(MediaType.APPLICATION_JSON)
    @ResponseStatus(202)
    public Uni<Receipt> publish(@PathParam("channel") @Encoded String channel, @Context HttpServerRequest request) {
        return intake.publish(request, PathSegment.decode(channel), UnaryOperator.identity());
    }
}
