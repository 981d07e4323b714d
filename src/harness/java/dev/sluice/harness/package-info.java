/**
 * What the tests from outside and the benchmarks share: pods, Redis, clients, tokens, and the network between them. It uses
 * nothing of Sluice's code.
 */
package dev.sluice.harness;
