package dev.sluice.wire;

import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.route.Channel;
import java.util.Collection;

/** Makes writers of event ids for tests of other packages. */
public final class TestEventIds {

    private TestEventIds() {}

    /** Returns a writer that adds ids to the events of another one. */
    public static FrameWriter before(FrameWriter events, PublicationFormat format, Collection<Channel> heard) {
        return new EventIdWriter(events, format, new EventIds(heard));
    }
}
