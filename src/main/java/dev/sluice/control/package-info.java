/** Signed messages between pods over Redis, which other publishers cannot forge. */
@NullMarked
package dev.sluice.control;

import org.jspecify.annotations.NullMarked;
