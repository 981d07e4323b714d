/** Compares what clients on a network that comes and goes get; {@code bench/resume} starts it. */
package dev.sluice.bench.resume;
