/** Sluice delivers what any backend publishes to Redis to the browsers that may see it. */
@NullMarked
package dev.sluice;

import org.jspecify.annotations.NullMarked;
