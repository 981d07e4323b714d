package dev.sluice.registry;

import dev.sluice.route.Channel;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Who hears which channel on this pod; a channel nobody hears is not kept. For use by all threads. */
final class ListenersByChannel {

    private final Map<Channel, Listeners> listeners = new ConcurrentHashMap<>();

    /** The sequence of the newest publication that may be retained; written by one thread. */
    private volatile long newest;

    /** See {@link Registry#publishing}. */
    void publishing(long sequence) {
        newest = sequence;
    }

    /** Lets the connection hear the channel, where it may. */
    void join(Connection connection, Channel channel) {
        if (!connection.mayHear(channel)) {
            return;
        }
        listeners.compute(channel, (name, known) -> {
            Listeners those = known == null ? new Listeners() : known;
            those.add(connection, newest);
            return those;
        });
        // The thread that publishes finds a new entry only once the above has returned: what it published until then
        // may not come by itself.
        listeners.computeIfPresent(channel, (name, those) -> {
            those.joined(connection, newest);
            return those;
        });
    }

    /** The connection no longer hears the channel. */
    void leave(Connection connection, Channel channel) {
        listeners.computeIfPresent(channel, (name, those) -> {
            those.remove(connection);
            return those.isEmpty() ? null : those;
        });
    }

    /** See {@link Registry#give}. */
    boolean give(Connection connection, Channel channel, long sequence, long lost) {
        boolean[] needed = {false};
        listeners.computeIfPresent(channel, (name, those) -> {
            needed[0] = those.give(connection, sequence, lost);
            return those;
        });
        return needed[0];
    }

    @Nullable
    Listeners of(Channel channel) {
        return listeners.get(channel);
    }

    boolean isEmpty() {
        return listeners.isEmpty();
    }
}
