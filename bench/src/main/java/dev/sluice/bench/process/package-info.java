/** Processes: how they are started, pinned to a core, watched and ended. */
package dev.sluice.bench.process;
