package dev.sluice.bench.load;

/**
 * The name of a channel, or of many that differ in a number of fixed width at the end.
 *
 * @param prefix what comes before the number
 * @param digits the width of the number; 0 where there is none
 */
public record ChannelName(String prefix, int digits) {

    /** One channel. */
    public static ChannelName of(String name) {
        return new ChannelName(name, 0);
    }

    int length() {
        return prefix.length() + digits;
    }

    String pattern() {
        return prefix + "0".repeat(digits);
    }
}
