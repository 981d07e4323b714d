/** Tells clients which users begin and cease to receive a channel, on any pod. Keeps nothing in Redis. */
@NullMarked
package dev.sluice.presence;

import org.jspecify.annotations.NullMarked;
