/** The typed upload events of the HTTP API; the only package that knows what is published. */
@NullMarked
package dev.sluice.events;

import org.jspecify.annotations.NullMarked;
