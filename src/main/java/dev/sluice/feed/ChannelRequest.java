package dev.sluice.feed;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** A client's request, which waits until channels are acknowledged or counted. Confined to the feed's thread. */
final class ChannelRequest {

    private static final Logger LOG = Logger.getLogger(ChannelRequest.class);

    private final List<TrackedChannel> channels;
    private final boolean counts;
    private final Executor thread;
    private final Consumer<@Nullable Runnable> then;
    private int missing;
    private boolean done;

    /**
     * Creates it, and reserves the channels.
     *
     * @param counts whether it waits until channels are counted, if ticks follow
     * @param thread runs tasks on the feed's thread; thread-safe
     * @param then see {@link WantedChannels#join}
     */
    ChannelRequest(List<TrackedChannel> channels, boolean counts, Executor thread, Consumer<@Nullable Runnable> then) {
        this.channels = channels;
        this.counts = counts;
        this.thread = thread;
        this.then = then;
        channels.forEach(TrackedChannel::reserve);
    }

    boolean counts() {
        return counts;
    }

    void await(TrackedChannel channel) {
        channel.await(this);
        missing++;
    }

    /** Answers the request if it waits for no channel. */
    void completeIfReady() {
        if (missing == 0) {
            complete();
        }
    }

    /** A channel that it waited for is acknowledged, or counted. */
    void acknowledged() {
        missing--;
        if (missing <= 0) {
            complete();
        }
    }

    /** Answers the request, even if it waits. Idempotent. */
    void complete() {
        if (!done) {
            done = true;
            tell(then, () -> thread.execute(this::release));
        }
    }

    private void release() {
        channels.forEach(channel -> channel.owner().release(channel));
    }

    /** @param release {@code null} to refuse */
    static void tell(Consumer<@Nullable Runnable> then, @Nullable Runnable release) {
        try {
            then.accept(release);
        } catch (RuntimeException e) {
            LOG.error("Sluice failed to answer after a subscription. Please report this bug", e);
            if (release != null) {
                release.run();
            }
        }
    }
}
