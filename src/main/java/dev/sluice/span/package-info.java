/** Spans of requests for distributed tracing; nothing is recorded unless the build has the profile {@code tracing}. */
@NullMarked
package dev.sluice.span;

import org.jspecify.annotations.NullMarked;
