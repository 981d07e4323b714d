/** The newest stretch of what the feed brought, for clients that come back. */
@NullMarked
package dev.sluice.history;

import org.jspecify.annotations.NullMarked;
