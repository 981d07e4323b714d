/** What a channel's prefix means: who its audience is. */
@NullMarked
package dev.sluice.route;

import org.jspecify.annotations.NullMarked;
