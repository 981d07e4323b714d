/** Keeps the newest publication of each channel for later subscribers, where the route says so. */
@NullMarked
package dev.sluice.retain;

import org.jspecify.annotations.NullMarked;
