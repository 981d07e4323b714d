package dev.sluice.feed;

import java.time.Instant;

/**
 * The last listener of a channel left during a {@link ChannelLoss}, whose end is not told therefore. Fired on the thread that
 * reads Redis.
 *
 * @param at not before the loss began, by this pod's clock
 */
public record ForgottenLoss(String channel, Instant at) {}
