/** Sluice delivers publications from Redis to browsers over WebSockets and server-sent events. */
@NullMarked
package dev.sluice;

import org.jspecify.annotations.NullMarked;
