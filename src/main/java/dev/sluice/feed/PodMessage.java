package dev.sluice.feed;

import org.jspecify.annotations.Nullable;

/**
 * Something that was published on the pods' own channel, by whomever.
 *
 * @param text what it says; {@code null} where that is longer than anything a pod says
 */
public record PodMessage(@Nullable String text) {}
