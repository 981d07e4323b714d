package dev.sluice.operate;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.fleet.AnswerBuilder;
import dev.sluice.fleet.Answers;
import dev.sluice.fleet.Fleet;
import dev.sluice.http.PathSegment;
import dev.sluice.http.ProblemException;
import dev.sluice.log.RootCause;
import dev.sluice.publish.NotConfirmed;
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
import java.time.Instant;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.jboss.logging.Logger;

/**
 * Tells whether a user is connected, shows the user's connections, and disconnects the user: on every pod if the pods share
 * a secret, otherwise on this one.
 */
@Path("/api/users/{id}")
@RolesAllowed("operator")
@Produces(MediaType.APPLICATION_JSON)
public final class UserResource {

    private static final Logger LOG = Logger.getLogger(UserResource.class);

    private final Fleet fleet;
    private final Disconnector disconnector;

    UserResource(Fleet fleet, Disconnector disconnector) {
        this.fleet = fleet;
        this.disconnector = disconnector;
    }

    @GET
    @RolesAllowed({"operator", "publisher"})
    @Parameter(
            name = "id",
            in = ParameterIn.QUERY,
            description = "The id, if the path has - instead of it",
            schema = @Schema(type = SchemaType.STRING))
    @Operation(operationId = "isOnline", summary = "Tell whether a user is connected to any pod")
    @APIResponse(responseCode = "200", description = "The number of connections")
    public Uni<Online> online(@PathParam("id") @Encoded String id, @Context HttpServerRequest request) {
        String user = PathSegment.decode(id, "id", request);
        return UserResponder.ask(fleet, user, false).map(answers -> {
            long connections = answers.sum(UserResponder.CONNECTIONS);
            return new Online(answers.scope(), user, connections > 0, connections, answers.pods());
        });
    }

    @GET
    @Path("connections")
    @Parameter(
            name = "id",
            in = ParameterIn.QUERY,
            description = "The id, if the path has - instead of it",
            schema = @Schema(type = SchemaType.STRING))
    @Operation(operationId = "listConnections", summary = "List a user's connections to all pods")
    @APIResponse(responseCode = "200", description = "The current connections")
    public Uni<Presence> connections(@PathParam("id") @Encoded String id, @Context HttpServerRequest request) {
        String user = PathSegment.decode(id, "id", request);
        return UserResponder.ask(fleet, user, true)
                .map(answers -> new Presence(
                        answers.scope(),
                        user,
                        answers.list().stream()
                                .flatMap(UserResource::connections)
                                .toList(),
                        answers.cut(),
                        answers.pods()));
    }

    private static Stream<Presence.One> connections(Answers.Answer answer) {
        return StreamSupport.stream(answer.content().path(UserResponder.LIST).spliterator(), false)
                .map(one -> new Presence.One(
                        answer.pod(),
                        Instant.parse(one.path(UserResponder.SINCE).asText()),
                        StreamSupport.stream(one.path(UserResponder.CHANNELS).spliterator(), false)
                                .map(JsonNode::asText)
                                .toList(),
                        one.path(AnswerBuilder.CUT).asBoolean()));
    }

    @DELETE
    @Path("connections")
    @Parameter(
            name = "id",
            in = ParameterIn.QUERY,
            description = "The id, if the path has - instead of it",
            schema = @Schema(type = SchemaType.STRING))
    @Operation(
            operationId = "disconnect",
            summary = "Disconnect a user from every pod if sluice.control.secret is set, otherwise from this one")
    @APIResponse(
            responseCode = "200",
            description = "The result; scope tells whether it applies to this pod or to the fleet")
    public Uni<Disconnection> disconnect(@PathParam("id") @Encoded String id, @Context HttpServerRequest request) {
        String user = PathSegment.decode(id, "id", request);
        int closed = disconnector.disconnect(user);
        if (!fleet.enabled()) {
            return Uni.createFrom().item(new Disconnection("pod", user, closed, null, null));
        }
        return disconnector
                .disconnectEverywhere(user, closed)
                .map(answers -> new Disconnection(
                        answers.scope(), user, Disconnector.closed(answers), answers.receivers(), answers.pods()))
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
