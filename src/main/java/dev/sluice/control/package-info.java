/** What pods say to each other through Redis, signed so that no publisher can say it in their stead. */
@NullMarked
package dev.sluice.control;

import org.jspecify.annotations.NullMarked;
