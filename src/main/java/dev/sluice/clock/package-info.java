/** Positions of publications, on which all pods agree: rules without time or I/O. */
@NullMarked
package dev.sluice.clock;

import org.jspecify.annotations.NullMarked;
