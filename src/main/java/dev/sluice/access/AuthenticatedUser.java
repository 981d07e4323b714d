package dev.sluice.access;

/**
 * A user with a valid token.
 *
 * @param user the token's {@code sub}
 * @param until when the token expires, clock skew included; milliseconds since the epoch
 * @param grants the channels of the token's {@code channels} claim
 */
public record AuthenticatedUser(String user, long until, Grants grants) {}
