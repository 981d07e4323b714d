/** The supervised pattern subscription: a stream of publications, and its state. */
@NullMarked
package dev.sluice.feed;

import org.jspecify.annotations.NullMarked;
