package dev.sluice.feed;

import java.time.Instant;
import java.util.Collection;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The channels to which this pod subscribes by name: those that have listeners, or had some until recently. */
public interface WantedChannels {

    /**
     * Calls the action on the feed's thread for each channel from which this pod has unsubscribed. To be called at the
     * start.
     */
    void whenUnsubscribed(Consumer<String> action);

    /**
     * The channel has listeners from now on. Thread-safe, but this method and {@link #unwanted} must not be called for
     * one channel at the same time.
     */
    void wanted(String name);

    /** The channel has no listeners any more. Thread-safe. */
    void unwanted(String name);

    /** See {@link #join(Collection, boolean, Consumer)}. */
    default void join(Collection<String> names, Consumer<@Nullable Runnable> onReady) {
        join(names, false, onReady);
    }

    /**
     * Makes the feed hear channels that are about to get listeners. Thread-safe.
     *
     * @param counts whether to wait, if publications have positions, until a tick has followed the acknowledgements
     * @param onReady called on the feed's thread, once Redis has acknowledged every channel, or while a gap is open.
     *     The caller must run its argument, on any thread, after it has registered the listeners; the argument is
     *     {@code null} if this pod has too many channels
     */
    void join(Collection<String> names, boolean counts, Consumer<@Nullable Runnable> onReady);

    /**
     * Returns since when the channel may lose publications, if a {@link ChannelLoss} of it has begun and not ended. May be
     * called by any thread.
     */
    default @Nullable Instant lossSince(String name) {
        return null;
    }

    /** The number of acknowledged channels with listeners. May be called by any thread, for metrics. */
    int subscribed();

    /** The number of channels that Redis has not acknowledged yet. May be called by any thread, for metrics. */
    int pending();

    /** The number of channels that are kept without listeners. May be called by any thread, for metrics. */
    int lingering();
}
