package dev.sluice.feed;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A period in which publications on at least one channel may have been missed: a {@link Gap}, or, in mode {@code sharded},
 * successive and overlapping {@link ChannelLoss}es together. Fired on the thread that reads Redis, when it begins and ends.
 *
 * @param until {@code null} while it lasts
 */
public record Interruption(Instant since, @Nullable Instant until) {}
