/** Questions to all pods of the fleet, and what this pod knows of the others. Keeps nothing in Redis. */
@NullMarked
package dev.sluice.fleet;

import org.jspecify.annotations.NullMarked;
