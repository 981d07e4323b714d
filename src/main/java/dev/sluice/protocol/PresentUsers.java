package dev.sluice.protocol;

import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * The users who receive a channel.
 *
 * @param scope {@code fleet}, or {@code pod} if only this pod was asked
 * @param connections the number of their connections; {@code null} if it is not known
 * @param users their number
 * @param names their names, maybe not all
 * @param complete whether these are all; not if only this pod was asked
 */
public record PresentUsers(
        String channel,
        String scope,
        @Nullable Long connections,
        long users,
        Collection<String> names,
        boolean complete) {}
