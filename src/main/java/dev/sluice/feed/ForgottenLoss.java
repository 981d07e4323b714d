package dev.sluice.feed;

import java.time.Instant;

/**
 * The last listener of a channel left during a {@link ChannelLoss}, so its end is not reported. Fired on the thread that
 * reads Redis.
 *
 * @param at not before the loss began, by this pod's clock
 */
public record ForgottenLoss(String channel, Instant at) {}
