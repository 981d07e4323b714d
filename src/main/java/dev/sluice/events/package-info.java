/** The typed upload events of the HTTP API; the only package that knows a domain. */
@NullMarked
package dev.sluice.events;

import org.jspecify.annotations.NullMarked;
