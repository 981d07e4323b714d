/** Log hygiene: throttles log lines that clients can cause, and sanitizes their text. */
@NullMarked
package dev.sluice.log;

import org.jspecify.annotations.NullMarked;
