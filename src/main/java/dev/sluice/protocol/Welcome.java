package dev.sluice.protocol;

import dev.sluice.route.Channel;
import java.util.List;
import java.util.Map;

/**
 * The content of the answer to an authentication.
 *
 * @param client the id of its connection
 * @param until when the connection ends unless the token is renewed, in milliseconds since the epoch; {@link
 *     Long#MAX_VALUE} for never
 * @param heartbeatSeconds the longest time between two heartbeats
 * @param channels the channels that the client now receives: the user's own, and those that its request named
 * @param starts where each of them begins, if the client keeps a position for each channel; else empty
 */
public record Welcome(
        String client,
        String user,
        long until,
        int heartbeatSeconds,
        List<Channel> channels,
        Start start,
        Map<Channel, Start> starts) {}
