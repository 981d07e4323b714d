package dev.sluice.feed;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A client's request to hear channels. It is answered once Redis has acknowledged them all, or, if the client gets
 * positions, once they are counted. Confined to the feed's thread.
 */
final class ChannelRequest {

    private static final Logger LOG = Logger.getLogger(ChannelRequest.class);

    private final List<TrackedChannel> channels;
    private final boolean counts;
    private final Executor thread;
    private final Consumer<@Nullable Runnable> onReady;
    private int missing;
    private boolean done;

    /**
     * Creates it, and reserves the channels.
     *
     * @param counts whether it waits until channels are counted, if ticks follow
     * @param thread runs tasks on the feed's thread; thread-safe
     * @param onReady see {@link WantedChannels#join}
     */
    ChannelRequest(
            List<TrackedChannel> channels, boolean counts, Executor thread, Consumer<@Nullable Runnable> onReady) {
        this.channels = channels;
        this.counts = counts;
        this.thread = thread;
        this.onReady = onReady;
        channels.forEach(TrackedChannel::reserve);
    }

    boolean counts() {
        return counts;
    }

    /** Lets the request wait for the channel. */
    void await(TrackedChannel channel) {
        channel.addRequest(this);
        missing++;
    }

    /** Answers the request if it waits for no channel. */
    void completeIfReady() {
        if (missing == 0) {
            complete();
        }
    }

    /** Records that one channel is acknowledged, or counted; answers the request if it was the last. */
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
            tell(onReady, () -> thread.execute(this::release));
        }
    }

    private void release() {
        channels.forEach(channel -> channel.owner().release(channel));
    }

    /** @param release {@code null} to refuse the request */
    static void tell(Consumer<@Nullable Runnable> onReady, @Nullable Runnable release) {
        try {
            onReady.accept(release);
        } catch (RuntimeException e) {
            LOG.error("Sluice failed to answer after a subscription. Please report this bug", e);
            if (release != null) {
                release.run();
            }
        }
    }
}
