/** How to log what others cause: not too much of it, and none of their text as it is. */
@NullMarked
package dev.sluice.log;

import org.jspecify.annotations.NullMarked;
