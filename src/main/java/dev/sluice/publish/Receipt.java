package dev.sluice.publish;

/**
 * Redis has published something.
 *
 * @param receivers how many subscribers it has given it to: the pods, where nobody else listens
 */
public record Receipt(long receivers) {}
