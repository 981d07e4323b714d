package dev.sluice.harness;

import java.util.List;

/**
 * How many random histories the simulations play, how much fuzz tests and attacks send, and in how many variants wire tests run:
 * all with {@code -Dtest.histories=all}, as in {@code .ci/run}, otherwise fewer, so that {@code ./mvnw verify} is quick.
 */
public final class Histories {

    private static final boolean ALL = "all".equals(System.getProperty("test.histories"));

    private Histories() {}

    /** Returns how many of these to play or send if a sixteenth would prove too little. */
    public static int halfOf(int all) {
        return ALL ? all : all / 2;
    }

    /** Returns how many of these to play or send. */
    public static int of(int all) {
        return ALL ? all : all / 16;
    }

    /** Returns all of these variants, or only the first. */
    public static <T> List<T> firstOf(List<T> all) {
        return ALL ? all : all.subList(0, 1);
    }
}
