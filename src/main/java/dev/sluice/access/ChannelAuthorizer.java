package dev.sluice.access;

import dev.sluice.route.Channel;
import dev.sluice.span.Span;
import io.smallrye.mutiny.Uni;
import org.jspecify.annotations.Nullable;

/** Decides whether a user may listen to a channel. */
interface ChannelAuthorizer {

    /** Returns the decision if it is known without asking; {@code null} if not. */
    default @Nullable Boolean known(String user, Channel channel) {
        return null;
    }

    /** Asks for the decision; fails without an answer. May answer on any thread. */
    Uni<Boolean> ask(String user, Channel channel, Span span);
}
