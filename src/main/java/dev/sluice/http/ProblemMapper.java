package dev.sluice.http;

import dev.sluice.access.KeysUnavailable;
import dev.sluice.log.LogThrottle;
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
 * Answers each failed request with problem+json. The extension quarkus-resteasy-problem can't: 3.21.0, its newest version
 * that resolves, answers 500 to a request without a token on Quarkus 3.33.2 (NoSuchFieldError), and repeats the request's
 * path in each body.
 */
public final class ProblemMapper {

    private static final Logger LOG = Logger.getLogger(ProblemMapper.class);

    private final LogThrottle failed = new LogThrottle();

    private static final MediaType TYPE = MediaType.valueOf(Problem.MEDIA_TYPE);
    private static final int MAX_RETRY_SECONDS = 5;

    @ServerExceptionMapper
    public Response told(ProblemException exception) {
        Problem problem = exception.problem();
        Response.ResponseBuilder answer =
                Response.status(problem.status()).type(TYPE).entity(problem.json());
        if (problem.status() == 503) {
            // At random, so that not all come again at once.
            answer.header(
                    HttpHeaders.RETRY_AFTER, 1 + ThreadLocalRandom.current().nextInt(MAX_RETRY_SECONDS));
        }
        return answer.build();
    }

    @ServerExceptionMapper
    public Response undecided(KeysUnavailable exception) {
        return told(ProblemException.unavailable("Tokens can't be verified now: the keys can't be had"));
    }

    /** Without the text that the framework or a library may have put there. */
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

    /** Gives a body to the refusals of those who give them none, the framework's security among them. */
    @ServerResponseFilter
    public void tell(ContainerResponseContext answer) {
        int status = answer.getStatus();
        if (status >= 400 && !answer.hasEntity()) {
            answer.setEntity(new Problem(status, detail(status)).json(), Objects.requireNonNull(NONE), TYPE);
        }
    }

    private static final java.lang.annotation.Annotation[] NONE = {};

    private static String detail(int status) {
        return switch (status) {
            case 401 -> "A token is needed that is good: Authorization: Bearer <token>";
            case 403 -> "The token's groups do not allow this";
            case 404 -> "There is nothing at this path";
            case 405 -> "The path does not know this method";
            case 406 -> "No answer can be given in the media type that was asked for";
            case 415 -> "The body must be application/json";
            default -> status < 500 ? "The request makes no sense" : "Something went wrong here";
        };
    }
}
