/** Answers to the probes of the platform Sluice runs on. */
@NullMarked
package dev.sluice.health;

import org.jspecify.annotations.NullMarked;
