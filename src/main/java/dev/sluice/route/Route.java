package dev.sluice.route;

import org.jspecify.annotations.Nullable;

/**
 * The settings of a prefix.
 *
 * @param prefix the part of a channel's name before its first colon
 * @param audience who receives the publications
 * @param access who may subscribe; {@code null} if clients cannot subscribe
 * @param overflow what happens to publications for a slow connection
 * @param retain which publications are kept for later subscribers
 * @param history whether publications are kept for clients that resume; {@code false} where a stream keeps them
 * @param source where its publications come from
 * @param presence whether clients may see who else listens
 */
public record Route(
        String prefix,
        Audience audience,
        @Nullable Access access,
        Overflow overflow,
        Retain retain,
        boolean history,
        PublicationSource source,
        boolean presence) {

    /** Creates a route that hears {@code PUBLISH}, without presence. */
    public Route(
            String prefix,
            Audience audience,
            @Nullable Access access,
            Overflow overflow,
            Retain retain,
            boolean history) {
        this(prefix, audience, access, overflow, retain, history, PublicationSource.PUBSUB, false);
    }
}
