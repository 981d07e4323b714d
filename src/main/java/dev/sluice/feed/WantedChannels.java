package dev.sluice.feed;

import java.util.Collection;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The channels to which this pod subscribes by name: those that have listeners, or had some a short time ago. */
public interface WantedChannels {

    /** Calls the action on the feed's thread with each channel that is not heard any more. To be called at the start. */
    void whenLeft(Consumer<String> action);

    /**
     * The channel has listeners from now on. Thread-safe. Calls of this method and of {@link #unwanted} for one channel
     * must exclude each other.
     */
    void wanted(String name);

    /** The channel has no listeners any more. Thread-safe. */
    void unwanted(String name);

    /** See {@link #join(Collection, boolean, Consumer)}. */
    default void join(Collection<String> names, Consumer<@Nullable Runnable> then) {
        join(names, false, then);
    }

    /**
     * Makes the feed hear channels that are about to get listeners. Thread-safe.
     *
     * @param counts whether to wait until a tick has followed the acknowledgements, if publications have positions
     * @param then called on the feed's thread, once Redis has acknowledged every channel, or a gap is open. Its argument
     *     must be run, on any thread, when the listeners are known; it is {@code null} if this pod has too many channels
     */
    void join(Collection<String> names, boolean counts, Consumer<@Nullable Runnable> then);

    /** The number of acknowledged channels with listeners. May be called by any thread, for metrics. */
    int held();

    /** The number of channels that Redis has not acknowledged yet. May be called by any thread, for metrics. */
    int pending();

    /** The number of channels that are kept without listeners. May be called by any thread, for metrics. */
    int lingering();
}
