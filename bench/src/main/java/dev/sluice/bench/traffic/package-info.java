/** Who publishes and who listens, well or badly behaved; all of them on one event loop. */
package dev.sluice.bench.traffic;
