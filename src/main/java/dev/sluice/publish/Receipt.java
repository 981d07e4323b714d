package dev.sluice.publish;

/**
 * The confirmation of a publication by Redis.
 *
 * @param receivers number of Redis subscribers that received it, normally the pods
 */
public record Receipt(long receivers) {}
