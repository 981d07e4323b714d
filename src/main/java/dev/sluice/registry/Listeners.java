package dev.sluice.registry;

import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Run;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ObjIntConsumer;
import java.util.function.UnaryOperator;

/**
 * Who hears one channel on this pod, by event loop. Changed under the registry's lock for the channel, by copying, so
 * that any thread may read it without one.
 */
public final class Listeners {

    private static final Listener[] NONE = {};

    /** By the number of the loop; every entry is replaced when it changes and never modified. */
    private volatile Listener[][] byLoop = {};

    /**
     * The newest publication that any of them has been given on asking; whoever joins later has no claim to older ones.
     * Under the registry's lock.
     */
    private long given;

    /** Calls the action for each loop that has connections that are to hear the channel. */
    public void forEachLoop(Consumer<Loop> action) {
        for (Listener[] listeners : byLoop) {
            if (listeners.length > 0) {
                action.accept(listeners[0].connection.loop());
            }
        }
    }

    /**
     * Sends to each connection of the loop that is to hear the channel now, once. To be called on that loop.
     *
     * @param sent told how many connections were sent the run, and of each that was sent a part of it
     * @return how many connections there were
     */
    public int deliver(Loop loop, Run run, ObjIntConsumer<Run> sent) {
        long first = run.first().sequence();
        long last = run.get(run.count() - 1).sequence();
        int whole = 0;
        int parts = 0;
        for (Listener listener : on(loop)) {
            if (listener.after < first) {
                listener.connection.send(run);
                listener.heard = last;
                whole++;
            } else {
                Run part = run.after(listener.after);
                if (part != null) {
                    listener.connection.send(part);
                    listener.heard = last;
                    sent.accept(part, 1);
                    parts++;
                }
            }
        }
        sent.accept(run, whole);
        return whole + parts;
    }

    /** All that are to hear the channel now. */
    public List<Connection> connections() {
        return Arrays.stream(byLoop)
                .flatMap(Arrays::stream)
                .map(listener -> listener.connection)
                .toList();
    }

    /** Those of the loop that are to hear the channel now. */
    List<Connection> connections(Loop loop) {
        return Arrays.stream(on(loop)).map(listener -> listener.connection).toList();
    }

    /**
     * Lets the connection hear the channel.
     *
     * @param newest the sequence of the newest publication there is; {@link #joined} is to follow
     */
    void add(Connection connection, long newest) {
        Listener listener = new Listener(connection, given, newest);
        change(connection.loop(), before -> {
            Listener[] after = Arrays.copyOf(before, before.length + 1);
            after[before.length] = listener;
            return after;
        });
    }

    /**
     * The connection that was added has become visible to the thread that publishes.
     *
     * @param newest the sequence of the newest publication there is; asked afterwards, so that every later one is delivered
     *     to it
     */
    void joined(Connection connection, long newest) {
        for (Listener listener : on(connection.loop())) {
            if (listener.connection == connection) {
                listener.joined = newest;
            }
        }
    }

    void remove(Connection connection) {
        change(
                connection.loop(),
                before -> Arrays.stream(before)
                        .filter(listener -> listener.connection != connection)
                        .toArray(Listener[]::new));
    }

    /** See {@link Registry#give}. Takes time for each listener on the loop, under the lock of the channel. */
    boolean give(Connection connection, long sequence, long lost) {
        for (Listener listener : on(connection.loop())) {
            if (listener.connection == connection) {
                // A newer one than that has been delivered to it, or is on its way to it.
                boolean needed = sequence > Math.max(listener.given, listener.heard)
                        && sequence <= Math.max(listener.joined, lost);
                if (needed) {
                    listener.given = sequence;
                    listener.after = Math.max(listener.after, sequence);
                    given = Math.max(given, sequence);
                }
                return needed;
            }
        }
        return false;
    }

    boolean isEmpty() {
        return Arrays.stream(byLoop).allMatch(listeners -> listeners.length == 0);
    }

    private Listener[] on(Loop loop) {
        Listener[][] all = byLoop;
        return loop.index() < all.length ? all[loop.index()] : NONE;
    }

    private void change(Loop loop, UnaryOperator<Listener[]> change) {
        Listener[][] before = byLoop;
        Listener[][] after = Arrays.copyOf(before, Math.max(before.length, loop.index() + 1));
        Arrays.fill(after, before.length, after.length, NONE);
        after[loop.index()] = change.apply(after[loop.index()]);
        byLoop = after;
    }

    /** One connection that hears the channel. */
    private static final class Listener {
        private final Connection connection;

        /** Those up to there that are still under way are not for it; changed and read on the connection's loop. */
        private long after;

        /** The newest that it has been given on asking. Under the registry's lock. */
        private long given;

        /** The newest that was delivered to it; changed and read on the connection's loop. */
        private long heard;

        /**
         * The newest publication when it joined. All later ones are delivered to it, and some that came while it joined.
         * Under the registry's lock.
         */
        private long joined;

        Listener(Connection connection, long after, long joined) {
            this.connection = connection;
            this.after = after;
            this.joined = joined;
        }
    }
}
