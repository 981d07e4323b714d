/** Sends commands to Redis; the feed package has the subscription. */
@NullMarked
package dev.sluice.redis;

import org.jspecify.annotations.NullMarked;
