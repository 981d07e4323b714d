/** What is measured: how each server is started, entered and published to. */
package dev.sluice.bench.contender;
