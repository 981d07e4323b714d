package dev.sluice.feed;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The subscribed channels without listeners, which are kept for a time, because clients may come back. Confined to the
 * feed's thread.
 */
final class LingeringChannels {

    /** How much later than they could, subscriptions end, so that many end with one command. */
    private static final long SWEEP_MILLIS = 100;

    private final Duration linger;
    private final int max;
    private final Time time;
    private final Runnable onDue;

    /** In the order in which they end. */
    private final Set<TrackedChannel> channels = new LinkedHashSet<>();

    private boolean sweeping;

    /**
     * Creates it empty.
     *
     * @param linger how long channels are kept
     * @param max beyond it, those that wait longest are not kept
     * @param onDue called when channels are due
     */
    LingeringChannels(Duration linger, int max, Time time, Runnable onDue) {
        this.linger = linger;
        this.max = max;
        this.time = time;
        this.onDue = onDue;
    }

    /** Keeps a channel, for a new term unless it is kept already. */
    void add(TrackedChannel channel) {
        if (channels.add(channel)) {
            channel.lingerUntil(time.nanos() + linger.toNanos());
            sweepLater();
        }
    }

    void remove(TrackedChannel channel) {
        channels.remove(channel);
    }

    void clear() {
        channels.clear();
    }

    int size() {
        return channels.size();
    }

    /** Whether there are more than are kept. */
    boolean exceed() {
        return channels.size() > max;
    }

    /** Whether a channel's subscription should end now. */
    boolean isDue() {
        return exceed() || (!channels.isEmpty() && first().lingersUntil() - time.nanos() <= 0);
    }

    /** Removes and returns the channel that ends first. */
    TrackedChannel poll() {
        Iterator<TrackedChannel> oldest = channels.iterator();
        TrackedChannel polled = oldest.next();
        oldest.remove();
        return polled;
    }

    private TrackedChannel first() {
        return channels.iterator().next();
    }

    private void sweepLater() {
        if (!sweeping && !channels.isEmpty()) {
            sweeping = true;
            long nanos = first().lingersUntil() - time.nanos();
            time.after(Duration.ofNanos(Math.max(0, nanos)).plusMillis(SWEEP_MILLIS), () -> {
                sweeping = false;
                onDue.run();
                sweepLater();
            });
        }
    }
}
