package dev.sluice.session;

import dev.sluice.clock.Position;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The channels of one request that are answered together, because what was published on them is sent in one order: once it is
 * decided of each whether the client may hear it. Confined to the connection's event loop.
 */
final class JointRequest {

    private final @Nullable Position since;
    private final List<Channel> allowed = new ArrayList<>();
    private int undecided = 1;

    /** A request of which not all channels have been looked at. */
    JointRequest(@Nullable Position since) {
        this.since = since;
    }

    /** The position that the client holds; {@code null} where it has none. */
    @Nullable
    Position since() {
        return since;
    }

    /** One more channel is to be decided. */
    void await() {
        undecided++;
    }

    /** The client may hear the channel. */
    void allow(Channel channel) {
        allowed.add(channel);
    }

    /** A channel is decided, or all have been looked at; returns whether nothing is undecided any more. */
    boolean decided() {
        return --undecided == 0;
    }

    /** Those that the client may hear. */
    List<Channel> allowed() {
        return allowed;
    }
}
