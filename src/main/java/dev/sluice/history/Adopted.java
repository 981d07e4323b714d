package dev.sluice.history;

import dev.sluice.clock.Position;

/**
 * The history began anew, so that clients can come back only with positions that they are told from now on. Fired on the thread
 * that reads Redis, once those can be told.
 *
 * @param head up to where everything has been handed to the event loops
 */
public record Adopted(Position head) {}
