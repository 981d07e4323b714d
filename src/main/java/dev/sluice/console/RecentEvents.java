package dev.sluice.console;

import dev.sluice.config.SluiceConfig;
import dev.sluice.console.PodInfo.Stretch;
import dev.sluice.feed.Feed;
import dev.sluice.feed.Gap;
import dev.sluice.feed.Interruption;
import dev.sluice.fleet.PodIdentity;
import dev.sluice.outbox.Disconnect;
import dev.sluice.registry.Disconnected;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Keeps the last closed connections and the last gap for the console. Thread-safe. */
@Startup
@Singleton
final class RecentEvents {

    private static final int ENDS = 100;

    private final boolean enabled;
    private final Feed feed;
    private final PodIdentity identity;
    private final Ring<ClosedConnection> ends = new Ring<>(ENDS);
    private volatile @Nullable Instant live;
    private volatile @Nullable Stretch gap;

    RecentEvents(SluiceConfig config, Feed feed, PodIdentity identity) {
        this.enabled = config.console().enabled();
        this.feed = feed;
        this.identity = identity;
    }

    PodInfo facts() {
        return new PodInfo(
                identity.name(), identity.version(), identity.started(), feed.redis(), feed.live() ? live : null, gap);
    }

    Ring<ClosedConnection> ends() {
        return ends;
    }

    void onDisconnected(@Observes Disconnected event) {
        if (enabled) {
            Disconnect reason = event.reason();
            Instant now = Instant.now();
            ends.add(new ClosedConnection(
                    now,
                    event.connection().user(),
                    reason.tag(),
                    event.connection().closeCode(reason),
                    Duration.between(event.connection().since(), now).toSeconds()));
        }
    }

    void onGap(@Observes Gap event) {
        if (!event.open()) {
            live = event.until();
        }
    }

    void onInterruption(@Observes Interruption event) {
        Stretch known = gap;
        // The end of the time before the first connection to Redis is no gap, because no beginning was reported.
        if (event.until() == null || (known != null && known.since().equals(event.since()))) {
            gap = new Stretch(event.since(), event.until());
        }
        if (event.until() != null) {
            live = event.until();
        }
    }
}
