/** What is on its way to one connection. */
@NullMarked
package dev.sluice.outbox;

import org.jspecify.annotations.NullMarked;
