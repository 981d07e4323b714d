package dev.sluice.bench.process;

/** Something that makes a measurement worthless, in words for whoever runs it. */
public final class BenchFailure extends RuntimeException {

    private static final long serialVersionUID = 1;

    public BenchFailure(String message) {
        super(message);
    }

    public BenchFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
