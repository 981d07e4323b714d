package dev.sluice.console;

import java.time.Instant;

/**
 * A closed connection.
 *
 * @param reason the value of the metrics' tag
 * @param code the WebSocket close code
 * @param seconds the connection's duration
 */
record ClosedConnection(Instant at, String user, String reason, int code, long seconds) {}
