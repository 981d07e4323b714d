package dev.sluice.registry;

import dev.sluice.route.Channel;

/**
 * Observes who receives the channels of routes with presence. Called under a lock, so it must only note the change.
 * Thread-safe.
 */
public interface ListeningObserver {

    /** The connection receives the channel; it may have before. */
    void joined(Connection connection, Channel channel);

    /** The connection does not receive the channel any more; maybe it never did. */
    void left(Connection connection, Channel channel);
}
