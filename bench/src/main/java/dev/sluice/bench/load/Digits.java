package dev.sluice.bench.load;

/** Numbers of fixed width, written in place. */
final class Digits {

    private Digits() {}

    /** Writes the last {@code width} decimal digits of a number that is not negative. */
    static void write(byte[] into, int offset, int width, long number) {
        long rest = number;
        for (int i = offset + width - 1; i >= offset; i--) {
            into[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
    }
}
