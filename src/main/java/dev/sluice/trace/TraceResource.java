package dev.sluice.trace;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.fleet.Fleet;
import dev.sluice.http.ProblemException;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.smallrye.mutiny.Uni;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.jboss.resteasy.reactive.RestQuery;
import org.jspecify.annotations.Nullable;

/** Explains why a user did or did not get the recent publications of a channel. */
@Path("/api/trace")
@RolesAllowed("operator")
@Produces(MediaType.APPLICATION_JSON)
public final class TraceResource {

    private final Fleet fleet;
    private final Routes routes;

    TraceResource(Fleet fleet, Routes routes) {
        this.fleet = fleet;
        this.routes = routes;
    }

    @GET
    @Operation(operationId = "trace", summary = "Explain what became of a channel's recent publications for a user")
    @APIResponse(responseCode = "200", description = "What each pod knows, without payloads")
    public Uni<Trace> trace(
            @Parameter(required = true) @RestQuery @Nullable String user,
            @Parameter(required = true) @RestQuery @Nullable String channel) {
        if (user == null || user.isEmpty()) {
            throw ProblemException.badRequest("The query needs the parameters user and channel");
        }
        Channel resolved = channel == null ? null : routes.resolve(channel);
        if (resolved == null) {
            throw ProblemException.badRequest(Routes.NO_CHANNEL);
        }
        return fleet.ask(
                        TraceResponder.KIND,
                        JsonNodeFactory.instance
                                .objectNode()
                                .put(TraceResponder.USER, user)
                                .put(TraceResponder.CHANNEL, resolved.name()))
                .map(answers -> new Trace(
                        answers.scope(),
                        user,
                        resolved.name(),
                        answers.list().stream()
                                .map(answer -> new Trace.PodTrace(answer.pod(), answer.content()))
                                .toList(),
                        answers.pods()));
    }
}
