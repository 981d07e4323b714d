package dev.sluice.harness;

/**
 * How many random histories the simulations play, and how much fuzz tests and attacks send: an eighth or half, so that {@code
 * ./mvnw verify} is quick, and all with {@code -Dtest.histories=all}, as in {@code .ci/run}.
 */
public final class Histories {

    private static final boolean ALL = "all".equals(System.getProperty("test.histories"));

    private Histories() {}

    /** Returns how many of these to play or send if an eighth would prove too little. */
    public static int halfOf(int all) {
        return ALL ? all : all / 2;
    }

    /** Returns how many of these to play or send. */
    public static int of(int all) {
        return ALL ? all : all / 8;
    }
}
