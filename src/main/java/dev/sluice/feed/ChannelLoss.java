package dev.sluice.feed;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Publications on one channel may have been missed, in mode {@code sharded}. Fired on the thread that reads Redis, after
 * the last publication before, and again with its end.
 *
 * @param since everything published before has been heard, by this pod's clock
 * @param until everything published from then on is heard; {@code null} while it lasts
 */
public record ChannelLoss(
        String channel, Instant since, @Nullable Instant until) {}
