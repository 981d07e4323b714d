/** Clients that attack a pod; the wire tests and bench/attack measure what its other clients notice. */
package dev.sluice.harness.attack;
