package dev.sluice.demo;

import io.quarkus.arc.profile.IfBuildProfile;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.regex.Pattern;
import org.jboss.resteasy.reactive.RestHeader;
import org.jboss.resteasy.reactive.RestQuery;
import org.jose4j.lang.JoseException;
import org.jspecify.annotations.Nullable;

/** Serves the requests of dev mode's page, without authentication. Exists only in dev mode. */
@IfBuildProfile("dev")
@Path("/dev")
public final class DevResource {

    private static final Pattern NAME = Pattern.compile("[\\w.@-]{1,64}");
    private static final int MAX_UPLOADS = 20;

    private final DevTokenFactory tokens;
    private final SampleWorker worker;

    DevResource(DevTokenFactory tokens, SampleWorker worker) {
        this.tokens = tokens;
        this.worker = worker;
    }

    /**
     * The uploads to simulate.
     *
     * @param user receives a notification at the end
     * @param uploads the ids of the uploads
     */
    public record Work(@Nullable String user, @Nullable List<String> uploads) {}

    /**
     * Returns a token.
     *
     * @param origin that of the page, which has been checked; it may read the answer
     */
    @POST
    @Path("token")
    @Produces(MediaType.TEXT_PLAIN)
    public Response token(
            @RestQuery @DefaultValue("alice") String user,
            @RestQuery List<String> role,
            @RestQuery List<String> channel,
            @RestHeader("Origin") @Nullable String origin)
            throws GeneralSecurityException, JoseException {
        return tokens.mint(name(user), role, channel)
                // A terminal shows its prompt on the next line.
                .map(token -> Response.ok(token + "\n")
                        .header("Access-Control-Allow-Origin", origin)
                        .build())
                .orElseThrow(
                        () -> problem(
                                Response.Status.CONFLICT,
                                "The configuration has your own verification key: sign tokens with its private key, or with the shared secret"));
    }

    @POST
    @Path("uploads")
    @Consumes(MediaType.APPLICATION_JSON)
    @Produces(MediaType.TEXT_PLAIN)
    public Response uploads(Work work) {
        List<String> uploads = work.uploads();
        if (uploads == null || uploads.isEmpty() || uploads.size() > MAX_UPLOADS) {
            throw problem(Response.Status.BAD_REQUEST, "uploads must be 1 to " + MAX_UPLOADS + " ids");
        }
        worker.start(name(work.user()), uploads.stream().map(DevResource::name).toList());
        return Response.accepted("started").build();
    }

    private static String name(@Nullable String text) {
        if (text == null || !NAME.matcher(text).matches()) {
            throw problem(
                    Response.Status.BAD_REQUEST, "names and ids are 1 to 64 letters, digits, '.', '_', '@' or '-'");
        }
        return text;
    }

    private static WebApplicationException problem(Response.Status status, String message) {
        return new WebApplicationException(Response.status(status)
                .type(MediaType.TEXT_PLAIN)
                .entity(message)
                .build());
    }
}
