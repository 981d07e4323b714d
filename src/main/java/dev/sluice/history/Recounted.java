package dev.sluice.history;

import dev.sluice.route.Channel;
import java.util.Collection;

/**
 * Positions of channels of shards end here, or begin: clients that keep one for such a channel must subscribe to it again. Fired
 * on the thread that reads Redis, before later publications of the channels are handed over.
 */
public record Recounted(Collection<Channel> channels) {}
