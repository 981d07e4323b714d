package dev.sluice.control;

import org.jspecify.annotations.Nullable;

/**
 * A pod asks to end every connection of a user.
 *
 * @param user the user's name
 * @param id identifies the answer; {@code null} if none is wanted
 * @param own whether this pod sent it
 */
public record DisconnectUser(String user, @Nullable String id, boolean own) {}
