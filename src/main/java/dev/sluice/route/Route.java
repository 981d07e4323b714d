package dev.sluice.route;

/**
 * What a prefix means.
 *
 * @param prefix the part of a channel's name before its first colon
 * @param audience who hears what is published there
 */
public record Route(String prefix, Audience audience) {}
