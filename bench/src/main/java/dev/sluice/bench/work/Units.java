package dev.sluice.bench.work;

/** Bytes in larger units. */
final class Units {

    private static final double KILO = 1024;

    private Units() {}

    static double kilobytes(long bytes) {
        return bytes / KILO;
    }

    static double megabytes(long bytes) {
        return bytes / KILO / KILO;
    }
}
