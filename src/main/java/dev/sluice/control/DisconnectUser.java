package dev.sluice.control;

/**
 * Every connection of a user is to be ended. Fired when another pod says so.
 *
 * @param user whose
 */
public record DisconnectUser(String user) {}
