/** The typed upload events of the HTTP API. */
@NullMarked
package dev.sluice.events;

import org.jspecify.annotations.NullMarked;
