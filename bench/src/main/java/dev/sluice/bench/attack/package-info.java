/** The attack bench: what a pod's other clients notice while somebody does their worst to it. */
package dev.sluice.bench.attack;
