package dev.sluice.feed;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The acknowledged channels of a connection that no tick of the clock has followed. Requests may wait for that tick. Confined to
 * the feed's thread.
 */
final class UncountedChannels {

    private Set<TrackedChannel> channels = new LinkedHashSet<>();

    /** Whether publications have positions, so that ticks follow. */
    private boolean ticks;

    private Consumer<String> onCounted = name -> {};

    void whenCounted(Consumer<String> action) {
        onCounted = action;
    }

    /** Whether the request must wait for a tick after the channel's acknowledgement. */
    boolean delays(ChannelRequest request, TrackedChannel channel) {
        return request.counts() && ticks && !channel.isCounted();
    }

    void add(TrackedChannel channel) {
        channels.add(channel);
    }

    void remove(TrackedChannel channel) {
        channels.remove(channel);
    }

    /**
     * The clock has moved.
     *
     * @param positions whether publications have positions now
     * @return the requests that do not wait for a channel any more, once for each such channel
     */
    List<ChannelRequest> ticked(boolean positions) {
        ticks = positions;
        Set<TrackedChannel> now = channels;
        if (positions) {
            channels = new LinkedHashSet<>();
            for (TrackedChannel channel : now) {
                channel.count();
                onCounted.accept(channel.name());
            }
        }
        List<ChannelRequest> answered = new ArrayList<>();
        now.forEach(channel -> answered.addAll(channel.takeRequests()));
        return answered;
    }

    /** The connection has ended. */
    void clear() {
        ticks = false;
        channels.clear();
    }
}
