package dev.sluice.bench.rollout;

import java.time.Duration;

/**
 * One pod for another.
 *
 * @param ready from the start of the new one until it was
 * @param gone from SIGTERM until the old one was
 */
record Replacement(String oldPod, String newPod, Duration ready, Duration gone) {}
