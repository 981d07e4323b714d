package dev.sluice.publish;

/**
 * The confirmation of a publication by Redis.
 *
 * @param receivers the number of Redis subscribers that received it, usually the pods
 */
public record Receipt(long receivers) {}
