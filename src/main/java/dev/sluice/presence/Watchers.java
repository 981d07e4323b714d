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

/** The connections that get events, and events that are about to be sent. Not thread-safe. */
final class Watchers {

    /** The watchers of a channel, by event loop; changed by the owner of this, and read on the loop. */
    private static final class OfChannel {
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

    private final Map<Channel, OfChannel> channels = new HashMap<>();
    private final Map<Loop, List<Event>> events = new HashMap<>();

    void add(Connection connection, Channel channel, PresenceFormat format) {
        OfChannel of = channels.computeIfAbsent(channel, x -> new OfChannel());
        if (of.loops
                        .computeIfAbsent(connection.loop(), x -> new ConcurrentHashMap<>())
                        .put(connection, format)
                == null) {
            of.count++;
        }
    }

    boolean has(Connection connection, Channel channel) {
        OfChannel of = channels.get(channel);
        Map<Connection, PresenceFormat> those = of == null ? null : of.loops.get(connection.loop());
        return those != null && those.containsKey(connection);
    }

    void remove(Connection connection, Channel channel) {
        OfChannel of = channels.get(channel);
        Map<Connection, PresenceFormat> those = of == null ? null : of.loops.get(connection.loop());
        if (of == null || those == null || those.remove(connection) == null) {
            return;
        }
        if (those.isEmpty()) {
            of.loops.remove(connection.loop());
        }
        if (--of.count == 0) {
            channels.remove(channel);
        }
    }

    int count(Channel channel) {
        OfChannel of = channels.get(channel);
        return of == null ? 0 : of.count;
    }

    /** Adds an event, which {@link #send} sends. */
    void changed(Channel channel, String user, boolean joined) {
        OfChannel of = channels.get(channel);
        if (of != null) {
            of.loops.forEach((loop, watchers) -> events.computeIfAbsent(loop, x -> new ArrayList<>())
                    .add(new Event(channel, user, joined, watchers)));
        }
    }

    /** Sends the events, on the loops of their connections. */
    void send() {
        if (!events.isEmpty()) {
            events.forEach((loop, some) -> loop.execute(() -> some.forEach(Event::send)));
            events.clear();
        }
    }
}
