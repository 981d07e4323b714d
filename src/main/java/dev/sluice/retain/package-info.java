/** What is kept of the channels of routes that say so, for those who subscribe later. */
@NullMarked
package dev.sluice.retain;

import org.jspecify.annotations.NullMarked;
