/** Rehearses a rolling update; {@code bench/rollout} starts it. */
package dev.sluice.bench.rollout;
