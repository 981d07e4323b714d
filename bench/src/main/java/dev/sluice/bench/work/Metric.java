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
    /** Latencies before some clients stopped reading, in milliseconds. */
    CALM_P50,
    CALM_P99,
    /** What the resident memory grew by while they did not read, in MB. */
    RSS_GROWTH,
    /** The same for each of them. */
    RSS_GROWTH_PER_STALLED,
    /** How many of them the server has disconnected. */
    STALLED_CLOSED
}
