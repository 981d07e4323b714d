package dev.sluice.delivery;

import dev.sluice.clock.Position;
import dev.sluice.outbox.Loop;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An event loop was behind for so long that publications for its connections were dropped. Fired on that loop, before
 * it delivers newer ones.
 *
 * @param loop the loop
 * @param reached everything up to it had been handed to the connections; {@code null} where this pod could not name it
 * @param since nothing received before was dropped
 * @param until nothing received from then on was dropped
 */
public record Lagged(Loop loop, @Nullable Position reached, Instant since, Instant until) {}
