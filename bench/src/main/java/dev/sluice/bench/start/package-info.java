/** How long Sluice takes to start. */
package dev.sluice.bench.start;
