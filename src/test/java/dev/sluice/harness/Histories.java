package dev.sluice.harness;

/**
 * How many random histories the simulations play, and how many requests the fuzz tests send: a quarter, so that {@code ./mvnw
 * verify} is quick, and all with {@code -Dtest.histories=all}, as in {@code .ci/run}.
 */
public final class Histories {

    private static final boolean ALL = "all".equals(System.getProperty("test.histories"));

    private Histories() {}

    /** Returns how many of these to play or send. */
    public static int of(int all) {
        return ALL ? all : all / 4;
    }
}
