package dev.sluice.operate;

/**
 * The number of a channel's subscribers.
 *
 * @param scope always {@code pod}: only this pod is counted
 * @param channel the channel's name
 * @param connections the number of subscribed connections
 * @param users the number of their users
 */
record ChannelAudience(String scope, String channel, int connections, long users) {}
