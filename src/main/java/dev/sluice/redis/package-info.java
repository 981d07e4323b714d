/** Commands to Redis, apart from what is heard of it. */
@NullMarked
package dev.sluice.redis;

import org.jspecify.annotations.NullMarked;
