/** Bounds what runs and what waits at once. */
@NullMarked
package dev.sluice.bulkhead;

import org.jspecify.annotations.NullMarked;
