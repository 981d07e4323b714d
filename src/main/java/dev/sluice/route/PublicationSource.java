package dev.sluice.route;

/** Where the publications of a route come from. */
public enum PublicationSource {
    /** Redis's {@code PUBLISH}. */
    PUBSUB,
    /** Entries that are added to a Redis stream of the channel's name. */
    STREAM,
    /** Both, while publishers change from one to the other; each publication must come from one of them only. */
    BOTH;

    /** Whether the route hears {@code PUBLISH}. */
    public boolean hearsPublish() {
        return this != STREAM;
    }

    /** Whether the route reads streams. */
    public boolean readsStreams() {
        return this != PUBSUB;
    }
}
