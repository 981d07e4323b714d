package dev.sluice.delivery;

import dev.sluice.outbox.Loop;
import java.time.Instant;

/**
 * An event loop was behind for so long that publications for its connections were dropped. Fired on that loop, before
 * anything newer is delivered there.
 *
 * @param loop the loop
 * @param since nothing received before was dropped
 * @param until nothing received from then on was dropped
 */
public record Lagged(Loop loop, Instant since, Instant until) {}
