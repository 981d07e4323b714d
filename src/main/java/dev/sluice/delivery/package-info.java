/** Passes publications from the thread that reads Redis to the event loops of the connections, in bounded batches. */
@NullMarked
package dev.sluice.delivery;

import org.jspecify.annotations.NullMarked;
