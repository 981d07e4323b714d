/** Health checks for the probes, and memory metrics. */
@NullMarked
package dev.sluice.health;

import org.jspecify.annotations.NullMarked;
