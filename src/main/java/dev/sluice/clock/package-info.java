/** Names for the points of the order in which Redis publishes, on which all pods agree: rules without time or I/O. */
@NullMarked
package dev.sluice.clock;

import org.jspecify.annotations.NullMarked;
