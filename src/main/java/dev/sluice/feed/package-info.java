/** The supervised pattern subscription: a stream of publications, and whether it is live. */
@NullMarked
package dev.sluice.feed;

import org.jspecify.annotations.NullMarked;
