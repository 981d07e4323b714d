package dev.sluice.http;

import java.io.Serial;
import java.util.List;

/** Ends the handling of a request with a problem as its answer. Has no stack trace: it is no failure of ours. */
public final class ProblemException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;

    /** Ends it with this problem. */
    public ProblemException(Problem problem) {
        super(problem.detail(), null, false, false);
        this.problem = problem;
    }

    /** The request makes no sense. */
    public static ProblemException badRequest(String detail) {
        return new ProblemException(new Problem(400, detail));
    }

    /** These fields of the request make no sense. */
    public static ProblemException badFields(List<FieldError> errors) {
        return new ProblemException(new Problem(400, "Some fields are not as they must be", errors));
    }

    /** Not now; trying again may help. */
    public static ProblemException unavailable(String detail) {
        return new ProblemException(new Problem(503, detail));
    }

    /** What is told. */
    public Problem problem() {
        return problem;
    }
}
