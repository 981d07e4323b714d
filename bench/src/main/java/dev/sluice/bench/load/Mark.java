package dev.sluice.bench.load;

import org.HdrHistogram.Histogram;

/**
 * Where the load stands at a moment.
 *
 * @param nanos the moment
 * @param deliveries received so far
 * @param latencies of the deliveries since the mark before, in nanoseconds
 */
public record Mark(long nanos, long deliveries, Histogram latencies) {}
