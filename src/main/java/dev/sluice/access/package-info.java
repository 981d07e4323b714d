/** Who somebody is: tokens and the keys that verify them. */
@NullMarked
package dev.sluice.access;

import org.jspecify.annotations.NullMarked;
