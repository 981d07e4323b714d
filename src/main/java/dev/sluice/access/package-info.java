/** Tokens, the keys that verify them, and who may listen to a channel. */
@NullMarked
package dev.sluice.access;

import org.jspecify.annotations.NullMarked;
