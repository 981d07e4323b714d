package dev.sluice.protocol;

import dev.sluice.route.Channel;
import java.util.List;

/**
 * What an authenticated client is told.
 *
 * @param until when its token expires, in milliseconds since the epoch
 * @param channels what the client hears now: the user's own, and those that its request named
 */
public record Welcome(String user, long until, List<Channel> channels, Start start) {}
