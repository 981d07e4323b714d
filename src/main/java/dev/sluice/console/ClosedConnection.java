package dev.sluice.console;

import java.time.Instant;

/**
 * A connection that has ended.
 *
 * @param reason as metrics name it
 * @param code of the close
 * @param seconds how long it had lasted
 */
record ClosedConnection(Instant at, String user, String reason, int code, long seconds) {}
