package dev.sluice.feed;

import org.jspecify.annotations.Nullable;

/**
 * A message on the pods' own channel. Any Redis client may have published it.
 *
 * @param text what it says; {@code null} where that is longer than anything a pod says
 */
public record PodMessage(@Nullable String text) {}
