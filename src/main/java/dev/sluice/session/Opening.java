package dev.sluice.session;

import dev.sluice.clock.Position;
import dev.sluice.route.Channel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client hears from its authentication on.
 *
 * @param own whether it hears its user's channels
 * @param channels the others, to which it may listen
 * @param since the position that it holds; {@code null} where it has none
 */
record Opening(
        boolean own, List<Channel> channels, @Nullable Position since) {

    /** The user's channels alone. */
    static Opening own(@Nullable Position since) {
        return new Opening(true, List.of(), since);
    }
}
