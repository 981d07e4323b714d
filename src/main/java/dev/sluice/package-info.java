/** Sluice delivers publications from Redis to browsers over WebSockets. */
@NullMarked
package dev.sluice;

import org.jspecify.annotations.NullMarked;
