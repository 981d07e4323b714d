package dev.sluice.route;

import org.jspecify.annotations.Nullable;

/**
 * The settings of a prefix.
 *
 * @param prefix the part of a channel's name before its first colon
 * @param audience who hears what is published there
 * @param access who may subscribe; {@code null} if clients cannot subscribe
 * @param overflow what happens to it for a connection that is too slow
 * @param retain what of it is kept for later subscribers
 * @param history whether it is kept for clients that come back
 */
public record Route(
        String prefix, Audience audience, @Nullable Access access, Overflow overflow, Retain retain, boolean history) {}
