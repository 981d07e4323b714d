package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.route.Channel;
import java.time.Instant;

/**
 * Entries of a stream may be lost: they were removed before they were read, or are too large. Fired on the source's thread, after the last entry
 * before the gap has been handed over, and before the next one is.
 *
 * @param since when the last entry before was added, by Redis's clock
 * @param reached the next delivery begins after this entry
 */
public record StreamGap(Channel channel, ChannelListeners listeners, Instant since, Instant until, EntryId reached) {}
