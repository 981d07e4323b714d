/**
 * Shared by the wire tests and the benchmarks: pods, Redis, clients, tokens, and proxies between them. Uses no code of
 * Sluice.
 */
package dev.sluice.harness;
