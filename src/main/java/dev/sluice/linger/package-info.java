/** Restores a user's subscriptions on the next connection, on any pod. */
@NullMarked
package dev.sluice.linger;

import org.jspecify.annotations.NullMarked;
