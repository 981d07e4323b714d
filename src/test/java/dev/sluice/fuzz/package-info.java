/** Random input from a seed: the same seed makes the same input. */
package dev.sluice.fuzz;
