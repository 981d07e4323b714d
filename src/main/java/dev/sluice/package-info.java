/** Sluice: what any backend publishes to Redis, delivered to the browsers that should see it. */
@NullMarked
package dev.sluice;

import org.jspecify.annotations.NullMarked;
