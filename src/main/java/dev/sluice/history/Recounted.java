package dev.sluice.history;

import dev.sluice.route.Channel;
import java.util.Collection;

/**
 * A shard begins or stops to count these channels, so clients that keep a position for one of them must subscribe to it again.
 * Fired on the thread that reads Redis, before later publications of the channels are handed over.
 */
public record Recounted(Collection<Channel> channels) {}
