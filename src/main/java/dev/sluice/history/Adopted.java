package dev.sluice.history;

import dev.sluice.clock.Position;

/**
 * The history started again, so clients can resume only from later positions. Fired on the thread that reads Redis, once
 * clients can get such positions.
 *
 * @param head everything up to it has been handed to the event loops
 */
public record Adopted(Position head) {}
