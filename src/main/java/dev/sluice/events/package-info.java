/** The events of the uploads this is used with: the only place that knows what is published. Nobody needs it. */
@NullMarked
package dev.sluice.events;

import org.jspecify.annotations.NullMarked;
