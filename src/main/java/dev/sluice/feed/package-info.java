/** The supervised pattern subscription: an endless stream of publications, and whether its link is live. */
@NullMarked
package dev.sluice.feed;

import org.jspecify.annotations.NullMarked;
