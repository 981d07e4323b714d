/** Bounds how many calls run and wait at once. */
@NullMarked
package dev.sluice.bulkhead;

import org.jspecify.annotations.NullMarked;
