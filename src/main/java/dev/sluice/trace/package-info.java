/** Tells operators why a user did or did not get the recent publications of a channel. */
@NullMarked
package dev.sluice.trace;

import org.jspecify.annotations.NullMarked;
