package dev.sluice.bench.work;

import java.util.Map;

/**
 * What came out of one contender's doing one work once.
 *
 * @param round counted from 1
 */
public record Trial(Work work, String contender, int round, Map<Metric, Double> values) {}
