package dev.sluice.feed;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;

/**
 * The channels that wait for a command on a connection, and those whose commands Redis has not acknowledged, of which there are
 * few at a time, so that neither side buffers much. Confined to the feed's thread.
 */
final class CommandWindow {

    /** The maximum names of one command, each at most some 300 bytes. */
    static final int SLICE = 256;

    /** The maximum names that Redis has not acknowledged yet. */
    static final int SIZE = 4 * SLICE;

    private final Queue<TrackedChannel> waiting = new ArrayDeque<>();

    /** The names whose subscriptions a command is to end. */
    private final Set<String> ending = new LinkedHashSet<>();

    /** The names of commands that end subscriptions and are unacknowledged. */
    private final Set<String> leaving = new HashSet<>();

    private int sent;
    private long acknowledgements;
    private long acknowledgementsBefore;
    private int silentBeats;

    /** A channel waits for its subscription. */
    void add(TrackedChannel channel) {
        ending.remove(channel.name());
        waiting.add(channel);
    }

    /** The channel is not to be subscribed to. */
    void remove(TrackedChannel channel) {
        if (channel.state() == TrackedChannel.State.SENT) {
            sent--;
        } else {
            waiting.remove(channel);
        }
    }

    /** Returns the names of the next command that subscribes; empty for none. */
    List<String> subscribeNext() {
        int count = Math.min(SLICE, waiting.size());
        if (sent + count > SIZE) {
            return List.of();
        }
        List<String> names = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            TrackedChannel next = Objects.requireNonNull(waiting.poll());
            next.enter(TrackedChannel.State.SENT);
            names.add(next.name());
        }
        sent += count;
        return names;
    }

    /** Whether a command that ends subscriptions may follow. */
    boolean mayUnsubscribe() {
        return leaving.size() + SLICE <= SIZE;
    }

    /** Whether names wait for a command that ends their subscriptions. */
    boolean hasEnding() {
        return !ending.isEmpty();
    }

    /** A command is to end the subscription of a channel that was removed. */
    void endLater(String name) {
        ending.add(name);
    }

    /** Returns the names of the next command that ends subscriptions, at most {@link #SLICE}. */
    List<String> unsubscribeNext() {
        List<String> names = ending.stream().limit(SLICE).toList();
        names.forEach(ending::remove);
        leaving.addAll(names);
        return new ArrayList<>(names);
    }

    /** The command that ends this subscription is sent now. */
    void unsubscribe(String name) {
        leaving.add(name);
    }

    /** Whether a subscription of that name ends, so that an acknowledgement of a subscription is of an earlier one. */
    boolean ends(String name) {
        return leaving.contains(name);
    }

    /** Whether no subscription ends. */
    boolean isQuiet() {
        return ending.isEmpty() && leaving.isEmpty();
    }

    /** Returns the names whose subscriptions end. */
    List<String> leaving() {
        return List.copyOf(leaving);
    }

    /** Returns the names whose subscriptions end or are to end, and forgets them. */
    List<String> takeLeaving() {
        List<String> taken = new ArrayList<>(leaving);
        taken.addAll(ending);
        leaving.clear();
        ending.clear();
        return taken;
    }

    /** Redis has acknowledged a name, whether it was sent or not. */
    void acknowledged() {
        acknowledgements++;
    }

    /** Redis has acknowledged the subscription of a channel that was sent. */
    void subscribed() {
        sent--;
    }

    /** A subscription has ended; returns false if no command did that. */
    boolean unsubscribed(String name) {
        return leaving.remove(name);
    }

    /**
     * Whether Redis acknowledges nothing any more. To be called at each beat while the connection is read.
     *
     * @param beats the number of beats within which it must acknowledge something
     */
    boolean isStuck(int beats) {
        boolean silent = sent + leaving.size() > 0 && acknowledgements == acknowledgementsBefore;
        acknowledgementsBefore = acknowledgements;
        silentBeats = silent ? silentBeats + 1 : 0;
        return silentBeats >= beats;
    }

    /** The connection has ended. */
    void clear() {
        waiting.clear();
        leaving.clear();
        ending.clear();
        sent = 0;
        silentBeats = 0;
    }
}
