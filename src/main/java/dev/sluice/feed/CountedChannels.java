package dev.sluice.feed;

import java.util.function.Consumer;

/** Channels of one connection, on which a clock may tick. */
public interface CountedChannels extends WantedChannels {

    /**
     * Calls the action on the feed's thread with each channel of which the pod has heard a tick after the acknowledgement: all
     * other pods that heard it before that tick count its publications equally. To be called at the start.
     */
    void whenCounted(Consumer<String> action);

    /** Calls the action on the feed's thread when no channel is heard any more. To be called at the start. */
    void whenDisconnected(Runnable action);

    /**
     * The clock has moved. To be called on the feed's thread, before later publications are handled.
     *
     * @param positions whether publications have positions now
     */
    void ticked(boolean positions);
}
