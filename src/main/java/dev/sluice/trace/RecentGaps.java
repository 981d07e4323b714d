package dev.sluice.trace;

import dev.sluice.delivery.Lagged;
import dev.sluice.feed.ChannelLoss;
import dev.sluice.feed.Feed;
import dev.sluice.feed.ForgottenLoss;
import dev.sluice.feed.Gap;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** The last periods in which this pod may have missed or dropped publications. Thread-safe. */
@Startup
@Singleton
final class RecentGaps {

    private static final int MAX = 20;

    /** The channels of whose losses the last is kept. A dead shard may have very many. */
    private static final int MAX_CHANNELS = 10_000;

    private static final String REDIS = "redis";

    /**
     * A period.
     *
     * @param cause {@code redis}, or {@code event_loop} if only the connections of one event loop are concerned
     */
    @Schema(name = "TracedGap")
    record Period(Instant since, @Nullable Instant until, String cause) {}

    /** Whether channels have gaps of their own. */
    private final boolean sharded;

    private final Deque<Period> periods = new ArrayDeque<>();

    /** The last loss of each channel, in the order in which they began. */
    private final Map<String, Period> losses = new LinkedHashMap<>();

    @Inject
    RecentGaps(Feed feed) {
        this(feed.isSharded());
    }

    RecentGaps(boolean sharded) {
        this.sharded = sharded;
    }

    synchronized void onGap(@Observes Gap gap) {
        if (sharded) {
            // Only messages between pods were lost.
            return;
        }
        Period last = periods.peekLast();
        if (last != null && last.until == null && last.since.equals(gap.since())) {
            periods.removeLast();
        } else if (!gap.open()) {
            // The time before the first connection to Redis.
            return;
        }
        add(new Period(gap.since(), gap.until(), REDIS));
    }

    synchronized void onLoss(@Observes ChannelLoss loss) {
        losses.remove(loss.channel());
        if (losses.size() == MAX_CHANNELS) {
            losses.remove(losses.keySet().iterator().next());
        }
        losses.put(loss.channel(), new Period(loss.since(), loss.until(), REDIS));
    }

    /** The loss concerned connections until then, and none afterwards. */
    synchronized void onForgotten(@Observes ForgottenLoss loss) {
        losses.computeIfPresent(
                loss.channel(),
                (channel, period) -> period.until == null ? new Period(period.since, loss.at(), REDIS) : period);
    }

    synchronized void onLagged(@Observes Lagged lagged) {
        add(new Period(lagged.since(), lagged.until(), "event_loop"));
    }

    private void add(Period period) {
        if (periods.size() == MAX) {
            periods.removeFirst();
        }
        periods.add(period);
    }

    /** Returns those of a channel, the oldest first. */
    synchronized List<Period> of(String channel) {
        List<Period> found = new ArrayList<>(periods);
        Period loss = losses.get(channel);
        if (loss != null) {
            found.add(loss);
            found.sort(Comparator.comparing(Period::since));
        }
        return found;
    }
}
