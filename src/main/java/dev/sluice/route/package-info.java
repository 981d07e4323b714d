/** Channels and the settings of their prefixes: audience, access, overflow and retention. */
@NullMarked
package dev.sluice.route;

import org.jspecify.annotations.NullMarked;
