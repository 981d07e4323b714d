/** The supervised subscription to Redis, by pattern, channel or shard: a stream of publications, and its state. */
@NullMarked
package dev.sluice.feed;

import org.jspecify.annotations.NullMarked;
