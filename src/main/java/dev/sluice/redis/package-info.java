/** Commands to Redis; the subscription is in the feed package. */
@NullMarked
package dev.sluice.redis;

import org.jspecify.annotations.NullMarked;
