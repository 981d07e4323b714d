package dev.sluice.access;

/**
 * Who has shown a good token.
 *
 * @param user its subject
 * @param until when it is no longer good, clock skew included; milliseconds since the epoch
 * @param grants the channels it names
 */
public record AuthenticatedUser(String user, long until, Grants grants) {}
