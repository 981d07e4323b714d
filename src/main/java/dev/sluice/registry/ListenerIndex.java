package dev.sluice.registry;

import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Watermark;
import dev.sluice.registry.LoopListeners.Listener;
import dev.sluice.route.Channel;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Maps each channel to the event loops that have listeners of it; a channel without listeners has no entry.
 * Thread-safe. Calls for one connection and channel must exclude each other, as they do under the lock of its user.
 */
final class ListenerIndex {

    /** By its class, because each publication calls it, and calls by an interface cost more. */
    private final ConcurrentHashMap<Channel, ChannelListeners> byChannel = new ConcurrentHashMap<>();

    private final Map<Loop, LoopChanges> changes = new ConcurrentHashMap<>();

    /** The sequence of the newest publication that may be retained; one thread writes it. */
    private volatile long newest;

    /** See {@link Registry#whenWanted}. */
    private volatile Consumer<Channel> onWanted = channel -> {};

    /** See {@link Registry#observe}. */
    private volatile @Nullable ListeningObserver observer;

    void observe(ListeningObserver by) {
        observer = by;
    }

    void whenWanted(Consumer<Channel> action) {
        onWanted = action;
    }

    /** See {@link Registry#tell}; {@code null} if nothing must be told. */
    private volatile @Nullable Demand demand;

    void tell(Demand observer) {
        demand = observer;
    }

    /** See {@link Registry#publishing}. */
    void publishing(long sequence) {
        newest = sequence;
    }

    /**
     * Adds the connection to the channel's listeners if its token allows it. Publications after the return are
     * delivered to it.
     */
    void join(Connection connection, Channel channel) {
        if (!connection.mayHear(channel)) {
            return;
        }
        LoopChanges ofLoop = changes.computeIfAbsent(connection.loop(), loop -> new LoopChanges(loop, this::drop));
        Listener listener = new Listener(connection, newest);
        boolean[] first = {false};
        byChannel.compute(channel.compact(), (name, known) -> {
            ChannelListeners those = known == null ? new ChannelListeners() : known;
            first[0] = known == null;
            Demand told = demand;
            if (told != null && known == null) {
                told.wanted(name);
            }
            LoopListeners joined = those.on(connection.loop());
            if (joined == null) {
                joined = new LoopListeners(name, ofLoop);
                those.add(joined);
            }
            LoopListeners joining = joined;
            // Done under the lock, so that drop() does not miss the change.
            ofLoop.add(() -> joining.add(listener));
            return those;
        });
        // The publishing thread can miss a new entry until the code above has returned, and then delivers nothing here.
        listener.newestBefore(newest);
        if (first[0] && channel.route().source().readsStreams()) {
            // Not before: the reader drops channels that it finds without listeners.
            onWanted.accept(channel.compact());
        }
        ofLoop.schedule();
        ListeningObserver by = channel.route().presence() ? observer : null;
        if (by != null) {
            by.joined(connection, channel);
        }
    }

    /** Removes the connection from the channel's listeners. */
    void leave(Connection connection, Channel channel) {
        ListeningObserver by = channel.route().presence() ? observer : null;
        if (by != null) {
            by.left(connection, channel);
        }
        LoopListeners left = on(connection.loop(), channel);
        if (left != null) {
            left.changes().add(() -> left.remove(connection));
            left.changes().schedule();
        }
    }

    /** See {@link Registry#skipToRetained}. */
    boolean skipToRetained(Connection connection, Channel channel, long sequence, long lost) {
        LoopListeners those = on(connection.loop(), channel);
        return those != null && those.skipToRetained(connection, sequence, lost);
    }

    /** See {@link Registry#suspend}. */
    void suspend(Connection connection, Channel channel) {
        LoopListeners those = on(connection.loop(), channel);
        if (those != null) {
            those.suspend(connection);
        }
    }

    /** See {@link Registry#resume}. */
    void resume(Connection connection, Channel channel, @Nullable Watermark after) {
        LoopListeners those = on(connection.loop(), channel);
        if (those != null) {
            those.resume(connection, after);
        }
    }

    /** See {@link Registry#defer}. */
    @Nullable
    Deferral defer(Connection connection, Channel channel) {
        LoopListeners those = on(connection.loop(), channel);
        return those == null ? null : those.defer(connection);
    }

    /** See {@link Registry#received}. */
    long received(Connection connection, Channel channel) {
        LoopListeners those = on(connection.loop(), channel);
        return those == null ? 0 : those.received(connection);
    }

    @Nullable
    ChannelListeners of(Channel channel) {
        return byChannel.get(channel);
    }

    boolean isEmpty() {
        return byChannel.isEmpty();
    }

    private @Nullable LoopListeners on(Loop loop, Channel channel) {
        ChannelListeners those = byChannel.get(channel);
        return those == null ? null : those.on(loop);
    }

    /** Drops empty listeners, unless a change may be about to fill them. To be called on their loop. */
    private boolean drop(LoopListeners empty) {
        boolean[] done = {true};
        byChannel.computeIfPresent(empty.channel(), (name, those) -> {
            if (empty.isEmpty()) {
                if (empty.changes().isEmpty()) {
                    those.remove(empty);
                } else {
                    done[0] = false;
                }
            }
            if (!those.isEmpty()) {
                return those;
            }
            Demand told = demand;
            if (told != null) {
                told.unwanted(name);
            }
            return null;
        });
        return done[0];
    }
}
