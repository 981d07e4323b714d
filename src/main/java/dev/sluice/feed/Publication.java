package dev.sluice.feed;

import io.vertx.core.buffer.Buffer;

/**
 * One payload on one channel.
 *
 * @param channel the Redis channel it was published on
 * @param payload the bytes as published; never modified
 * @param receivedAt {@link System#nanoTime()} when it was taken off the Redis connection
 */
public record Publication(String channel, Buffer payload, long receivedAt) {}
