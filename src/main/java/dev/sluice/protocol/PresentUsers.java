package dev.sluice.protocol;

import java.util.Collection;

/**
 * The users who receive a channel.
 *
 * @param scope {@code fleet}, or {@code pod} if only this pod was asked
 * @param connections the number of their connections
 * @param users their number
 * @param names their names, maybe not all
 * @param complete whether these are all
 */
public record PresentUsers(
        String channel, String scope, long connections, long users, Collection<String> names, boolean complete) {}
