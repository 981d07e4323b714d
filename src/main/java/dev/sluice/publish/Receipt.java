package dev.sluice.publish;

/**
 * Redis has published something.
 *
 * @param receivers number of Redis subscribers that received it, normally the pods
 */
public record Receipt(long receivers) {}
