package dev.sluice.bench.site;

import java.util.Map;

/**
 * What stands between publishers and clients.
 *
 * @param pods that run from the beginning
 * @param spares pods that the balancer looks out for, and that somebody else may start
 * @param settings of the pods that differ from the defaults, as environment variables
 */
public record Plan(int pods, int spares, Map<String, String> settings) {}
