package dev.sluice.session;

import dev.sluice.clock.Position;
import dev.sluice.route.Channel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The channels that a client receives from its authentication on.
 *
 * @param own whether it receives its user's channels
 * @param channels the others, to which it may listen
 * @param since its position; {@code null} if it has none
 */
record Opening(
        boolean own, List<Channel> channels, @Nullable Position since) {

    /** The user's channels alone. */
    static Opening own(@Nullable Position since) {
        return new Opening(true, List.of(), since);
    }
}
