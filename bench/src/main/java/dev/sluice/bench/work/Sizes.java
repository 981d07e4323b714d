package dev.sluice.bench.work;

import java.time.Duration;

/**
 * How much of everything.
 *
 * @param connections of all works but the idle one
 * @param idleConnections of that
 * @param unwantedChannels that publications nobody wants are spread over
 * @param warmUp how long there is load before anything is counted
 * @param window how long is counted
 * @param settle how long nothing happens before memory is looked at
 * @param stall how long some clients read nothing
 * @param crowd how many come at once in a storm
 * @param connectsPerSecond how many of those may come in in a second
 */
public record Sizes(
        int connections,
        int idleConnections,
        int unwantedChannels,
        Duration warmUp,
        Duration window,
        Duration settle,
        Duration stall,
        int crowd,
        int connectsPerSecond) {

    /** For results. */
    public static Sizes full() {
        return new Sizes(
                1_000,
                10_000,
                100_000,
                Duration.ofSeconds(10),
                Duration.ofSeconds(10),
                Duration.ofSeconds(5),
                Duration.ofMinutes(1),
                10_000,
                2_000);
    }

    /** To see that everything works; the figures mean nothing. */
    public static Sizes quick() {
        return new Sizes(
                100,
                500,
                1_000,
                Duration.ofMillis(500),
                Duration.ofMillis(500),
                Duration.ofMillis(300),
                Duration.ofSeconds(2),
                500,
                100);
    }
}
