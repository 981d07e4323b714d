package dev.sluice.control;

/**
 * Another pod asks to end every connection of a user.
 *
 * @param user the user's name
 */
public record DisconnectUser(String user) {}
