package dev.sluice.bench.work;

/** What is measured. */
public enum Metric {
    /** Deliveries, or publications that reach nobody, per second of the server's CPU time. */
    PER_CPU_SECOND,
    /** The same per second that passes. */
    PER_SECOND,
    /** The server's share of its core, 1 at most. */
    SERVER_CPU,
    /** The load generator's CPU time per time. */
    GENERATOR_CPU,
    /** The Redis's CPU time per time. */
    REDIS_CPU,
    /** What the machine was busy with besides, in cores: where it is much, somebody else was at work. */
    OTHER_CPU,
    /** From publishing to receipt, in milliseconds. */
    P50,
    P99,
    P99_9,
    MAX,
    /** Resident memory of the server at the end, in MB of 2^20 bytes. */
    RSS,
    /** What an idle connection adds to that, in KB of 2^10 bytes. */
    KB_PER_CONNECTION,
    /** Latencies before some clients stopped reading, or many came at once, in milliseconds. */
    CALM_P50,
    CALM_P99,
    /** What the resident memory grew by while they did not read, in MB. */
    RSS_GROWTH,
    /** The same for each of them. */
    RSS_GROWTH_PER_STALLED,
    /** How many of them the server has disconnected. */
    STALLED_CLOSED,
    /** How long it took until everybody who came in a storm was in, in seconds. */
    STORM_LENGTH,
    /** How many came in in a second, on average, and in the one in which most did. */
    CONNECTS_PER_SECOND,
    CONNECTS_IN_BUSIEST_SECOND,
    /** How often a client was told to come again, and how often it found no answer. */
    REFUSALS,
    FAILED_CONNECTS,
    /** The server's CPU time for each client that came in, in milliseconds: where none is refused, and in a storm. */
    CPU_PER_CALM_CONNECT,
    CPU_PER_CONNECT,
    /** The same for each that is refused. */
    CPU_PER_REFUSAL
}
