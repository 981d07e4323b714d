package dev.sluice.wire;

import dev.sluice.clock.EntryId;
import dev.sluice.clock.Position;
import dev.sluice.clock.Since;
import dev.sluice.route.Channel;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The id of the events of one connection that receives streams, see {@link Since#parse}: the position in the common order,
 * if a channel has one, and the last entry of each stream. Confined to the connection's event loop.
 */
final class EventIds {

    /** The most characters of a position, and of one stream: its key, both parts of the entry's ID, and separators. */
    private static final int LONGEST_POSITION = 96;

    private static final int LONGEST_STREAM = 8 + 2 * 13 + 3;

    /** Whether some channel has no stream. */
    private final boolean positioned;

    /** Whether the id is that of an entry alone. */
    private final boolean single;

    private final Map<Channel, String> keys = new HashMap<>();
    private final Map<Channel, String> texts = new LinkedHashMap<>();
    private @Nullable Position at;

    /** Creates an empty id. */
    EventIds(Collection<Channel> channels) {
        Map<String, Integer> uses = new HashMap<>();
        for (Channel channel : channels) {
            if (channel.route().source().readsStreams()) {
                String key = Since.key(channel.name());
                keys.put(channel, key);
                uses.merge(key, 1, Integer::sum);
            }
        }
        positioned = channels.size() > keys.size();
        single = channels.size() == 1;
        // Streams with the same key can't be resumed.
        keys.values().removeIf(key -> uses.getOrDefault(key, 0) > 1);
    }

    /** Records that everything up to the position has been sent; returns whether the id changes. */
    boolean reached(@Nullable Position position) {
        boolean changes = positioned && position != null && position.isOfAll();
        if (changes) {
            at = position;
        }
        return changes;
    }

    /** Records that an entry has been sent; returns whether the id changes. */
    boolean reached(Channel channel, EntryId entry) {
        String key = keys.get(channel);
        if (key == null) {
            return false;
        }
        EntryId position = entry.position();
        texts.put(channel, single ? position.toString() : Since.text(key, position));
        return true;
    }

    /** The most characters of the id. */
    int maxLength() {
        return LONGEST_POSITION + keys.size() * LONGEST_STREAM;
    }

    @Override
    public String toString() {
        StringBuilder id = new StringBuilder();
        if (at != null) {
            id.append(at);
        }
        texts.values().forEach(id::append);
        return id.toString();
    }
}
