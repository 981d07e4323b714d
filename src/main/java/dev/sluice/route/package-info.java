/** What a channel's prefix means: audience, access, overflow and retention. */
@NullMarked
package dev.sluice.route;

import org.jspecify.annotations.NullMarked;
