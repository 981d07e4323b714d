package dev.sluice.presence;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.registry.Connection;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The connections that asked for join and leave events, and the events not sent yet. Not thread-safe. */
final class Watchers {

    /** The watchers of one channel, by event loop: changed by the owner of this object, and read on the loop. */
    private static final class ChannelWatchers {
        private final Map<Loop, Map<Connection, PresenceFormat>> loops = new HashMap<>();
        private int count;
    }

    private record Event(Channel channel, String user, boolean joined, Map<Connection, PresenceFormat> watchers) {

        void send() {
            Map<PresenceFormat, Frame> frames = new HashMap<>(2);
            watchers.forEach((connection, format) ->
                    connection.send(frames.computeIfAbsent(format, one -> one.frame(channel, user, joined))));
        }
    }

    private final Map<Channel, ChannelWatchers> channels = new HashMap<>();
    private final Map<Loop, List<Event>> events = new HashMap<>();

    void add(Connection connection, Channel channel, PresenceFormat format) {
        ChannelWatchers watched = channels.computeIfAbsent(channel, missing -> new ChannelWatchers());
        if (watched.loops
                        .computeIfAbsent(connection.loop(), missing -> new ConcurrentHashMap<>())
                        .put(connection, format)
                == null) {
            watched.count++;
        }
    }

    boolean has(Connection connection, Channel channel) {
        ChannelWatchers watched = channels.get(channel);
        Map<Connection, PresenceFormat> onLoop = watched == null ? null : watched.loops.get(connection.loop());
        return onLoop != null && onLoop.containsKey(connection);
    }

    void remove(Connection connection, Channel channel) {
        ChannelWatchers watched = channels.get(channel);
        Map<Connection, PresenceFormat> onLoop = watched == null ? null : watched.loops.get(connection.loop());
        if (watched == null || onLoop == null || onLoop.remove(connection) == null) {
            return;
        }
        if (onLoop.isEmpty()) {
            watched.loops.remove(connection.loop());
        }
        if (--watched.count == 0) {
            channels.remove(channel);
        }
    }

    int count(Channel channel) {
        ChannelWatchers watched = channels.get(channel);
        return watched == null ? 0 : watched.count;
    }

    /** Adds an event, which {@link #send} sends. */
    void changed(Channel channel, String user, boolean joined) {
        ChannelWatchers watched = channels.get(channel);
        if (watched != null) {
            watched.loops.forEach((loop, watchers) -> events.computeIfAbsent(loop, missing -> new ArrayList<>())
                    .add(new Event(channel, user, joined, watchers)));
        }
    }

    /** Sends the events, on the loops of their connections. */
    void send() {
        if (!events.isEmpty()) {
            events.forEach((loop, due) -> loop.execute(() -> due.forEach(Event::send)));
            events.clear();
        }
    }
}
