package dev.sluice.session;

import dev.sluice.clock.Since;
import dev.sluice.route.Channel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The channels that a client receives from its authentication on.
 *
 * @param own whether it receives its user's channels
 * @param channels the others, to which it may listen
 * @param since what the client has received; {@code null} if it has named nothing
 */
record Opening(
        boolean own, List<Channel> channels, @Nullable Since since) {

    /** The user's channels alone. */
    static Opening own(@Nullable Since since) {
        return new Opening(true, List.of(), since);
    }
}
