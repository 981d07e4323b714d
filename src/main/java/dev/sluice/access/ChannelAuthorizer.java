package dev.sluice.access;

import dev.sluice.route.Channel;
import io.smallrye.mutiny.Uni;
import org.jspecify.annotations.Nullable;

/** Decides whether a user may listen to a channel, or asks. */
interface ChannelAuthorizer {

    /** What is known without asking; {@code null} where nothing is. */
    default @Nullable Boolean known(String user, Channel channel) {
        return null;
    }

    /** Asks; fails where there is no answer. May answer on any thread. */
    Uni<Boolean> ask(String user, Channel channel);
}
