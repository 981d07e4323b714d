package dev.sluice.operate;

/**
 * The listeners of a channel.
 *
 * @param scope how far we look: this {@code pod}
 * @param channel its name
 * @param connections how many connections hear it
 * @param users how many users these are of
 */
record ChannelAudience(String scope, String channel, int connections, long users) {}
