package dev.sluice.feed;

import dev.sluice.redis.ClusterTopology;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks for the topology of a Redis Cluster, and again while it does not explain what was seen. Confined to the feed's
 * thread.
 */
final class TopologyWatch {

    /** How long the topology is not asked for again after a reply; doubled if that did not help. */
    static final Duration RETRY = Duration.ofMillis(200);

    private static final int MAX_DOUBLINGS = 4;

    /** Asks a node. */
    interface Source {
        void ask(Consumer<@Nullable ClusterTopology> onReply);
    }

    private final Time time;
    private final Source source;
    private final Consumer<ClusterTopology> follow;
    private final BooleanSupplier unsettled;
    private boolean asking;
    private boolean askAgain;
    private int round;
    private int retries;

    /**
     * Creates it without asking.
     *
     * @param unsettled whether another topology may be known soon
     */
    TopologyWatch(Time time, Source source, Consumer<ClusterTopology> follow, BooleanSupplier unsettled) {
        this.time = time;
        this.source = source;
        this.follow = follow;
        this.unsettled = unsettled;
    }

    /** Asks now, or after the reply that is awaited. */
    void refresh() {
        if (asking) {
            askAgain = true;
            return;
        }
        asking = true;
        askAgain = false;
        round++;
        source.ask(told -> {
            if (told != null) {
                follow.accept(told);
            }
            boolean again = told == null || askAgain || unsettled.getAsBoolean();
            time.after(RETRY, () -> {
                asking = false;
                if (askAgain) {
                    retries = 0;
                    refresh();
                } else if (again) {
                    retryLater();
                } else {
                    retries = 0;
                }
            });
        });
    }

    /** A slot may have no master for long, and each request opens a connection. */
    private void retryLater() {
        int present = round;
        time.after(RETRY.multipliedBy((1L << retries) - 1), () -> {
            if (present == round) {
                refresh();
            }
        });
        retries = Math.min(retries + 1, MAX_DOUBLINGS);
    }
}
