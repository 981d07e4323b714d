package dev.sluice.registry;

import dev.sluice.outbox.Disconnect;

/**
 * A connection has ended. Fired exactly once for each connection, on the thread that ended it.
 *
 * @param connection the one that ended
 * @param reason why
 */
public record Disconnected(Connection connection, Disconnect reason) {}
