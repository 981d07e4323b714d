/** Gives users on their next connection, to whichever pod, the subscriptions of their last one. */
@NullMarked
package dev.sluice.linger;

import org.jspecify.annotations.NullMarked;
