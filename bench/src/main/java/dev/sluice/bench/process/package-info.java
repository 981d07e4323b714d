/** Servers, how they are started, pinned to a core and waited for, and the command lines of the programs. */
package dev.sluice.bench.process;
