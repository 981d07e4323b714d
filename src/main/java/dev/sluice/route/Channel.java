package dev.sluice.route;

/**
 * A well-formed channel of a known route.
 *
 * @param route the route of its prefix
 * @param name the whole name, {@code prefix:id}
 * @param id what follows the first colon, later colons included; 1 to 256 bytes in UTF-8
 */
public record Channel(Route route, String name, String id) {}
