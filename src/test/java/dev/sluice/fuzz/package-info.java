/** Input nobody would think of, made by chance from a seed: the same seed makes the same input. */
package dev.sluice.fuzz;
