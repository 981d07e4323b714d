package dev.sluice.access;

import dev.sluice.route.Channel;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The last subscriptions that were forbidden. Thread-safe. */
@Singleton
public final class RecentRefusals {

    /** With the longest names, some megabytes. */
    static final int MAX = 500;

    private record Refusal(Instant at, String user, Channel channel) {}

    private final Deque<Refusal> refusals = new ArrayDeque<>();

    synchronized void add(String user, Channel channel) {
        if (refusals.size() == MAX) {
            refusals.removeFirst();
        }
        refusals.add(new Refusal(Instant.now(), user, channel.compact()));
    }

    /** Returns when the user was refused the channel, the oldest first. */
    public synchronized List<Instant> of(String user, Channel channel) {
        return refusals.stream()
                .filter(one -> one.user.equals(user) && one.channel.equals(channel))
                .map(Refusal::at)
                .toList();
    }
}
