package dev.sluice.http;

import dev.sluice.access.KeysUnavailable;
import dev.sluice.access.RequestToken;
import dev.sluice.log.LogThrottle;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;
import org.jboss.resteasy.reactive.server.ServerResponseFilter;

/**
 * Maps exceptions to problem+json responses. The extension quarkus-resteasy-problem can't replace this class: version
 * 3.21.0 responds with 500 to a request without a token on Quarkus 3.33.2 (NoSuchFieldError), and repeats the request's
 * path in each body.
 */
public final class ProblemMapper {

    private static final Logger LOG = Logger.getLogger(ProblemMapper.class);

    private final LogThrottle failed = new LogThrottle();

    private static final MediaType TYPE = MediaType.valueOf(Problem.MEDIA_TYPE);
    private static final int MAX_RETRY_SECONDS = 5;

    private final RequestToken requestToken;

    ProblemMapper(RequestToken requestToken) {
        this.requestToken = requestToken;
    }

    @ServerExceptionMapper
    public Response problem(ProblemException exception) {
        Problem problem = exception.problem();
        Response.ResponseBuilder answer =
                Response.status(problem.status()).type(TYPE).entity(problem.json());
        if (problem.status() == 503) {
            // Random, so that clients do not retry at the same time.
            answer.header(
                    HttpHeaders.RETRY_AFTER, 1 + ThreadLocalRandom.current().nextInt(MAX_RETRY_SECONDS));
        }
        return answer.build();
    }

    @ServerExceptionMapper
    public Response keysUnavailable(KeysUnavailable exception) {
        return problem(ProblemException.unavailable("Tokens can't be verified now: the keys are unavailable"));
    }

    /** Removes the text of the framework or a library from the response. */
    @ServerExceptionMapper
    public Response refused(WebApplicationException exception) {
        Response response = exception.getResponse();
        return Response.fromResponse(response).entity(null).build();
    }

    @ServerExceptionMapper
    public Response failed(Throwable failure) {
        long count = failed.pass();
        if (count > 0) {
            LOG.errorf(
                    failure,
                    "Sluice failed to serve requests: %d. Please report this bug; the next log line follows in a minute",
                    count);
        }
        return Response.serverError().build();
    }

    /** Adds a body to error responses without one, for example those of the framework's security. */
    @ServerResponseFilter
    public void addBody(ContainerResponseContext answer, RoutingContext request) {
        int status = answer.getStatus();
        if (status >= 400 && !answer.hasEntity()) {
            String detail = status == 401 ? requestToken.refusal(request) : detail(status);
            answer.setEntity(new Problem(status, detail).json(), Objects.requireNonNull(NONE), TYPE);
        }
    }

    private static final java.lang.annotation.Annotation[] NONE = {};

    private static String detail(int status) {
        return switch (status) {
            case 403 -> "The token's groups lack the role that this needs: operator, or publisher to publish";
            case 404 -> "This path does not exist";
            case 405 -> "The path does not allow this method";
            case 406 -> "The response is not available in the requested media type";
            case 415 -> "The body must be application/json";
            default -> status < 500 ? "The request is invalid" : "The server failed";
        };
    }
}
