package dev.sluice.http;

import java.io.Serial;
import java.util.List;

/** Ends a request with a problem response. Has no stack trace, because it reports no bug. */
public final class ProblemException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;

    public ProblemException(Problem problem) {
        super(problem.detail(), null, false, false);
        this.problem = problem;
    }

    /** Returns a 400: the request is invalid. */
    public static ProblemException badRequest(String detail) {
        return new ProblemException(new Problem(400, detail));
    }

    /** Returns a 400: these fields are invalid. */
    public static ProblemException badFields(List<FieldError> errors) {
        return new ProblemException(new Problem(400, "Some fields are invalid", errors));
    }

    /** Returns a 503: a retry may succeed. */
    public static ProblemException unavailable(String detail) {
        return new ProblemException(new Problem(503, detail));
    }

    public Problem problem() {
        return problem;
    }
}
