/** What command lines ask for. */
package dev.sluice.bench.options;
