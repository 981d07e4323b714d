/** The bounded queue of data that waits for one connection. */
@NullMarked
package dev.sluice.outbox;

import org.jspecify.annotations.NullMarked;
