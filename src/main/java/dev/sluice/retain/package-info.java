/** Keeps the newest publication of each channel for later subscribers, if the route is configured so. */
@NullMarked
package dev.sluice.retain;

import org.jspecify.annotations.NullMarked;
