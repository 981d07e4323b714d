package dev.sluice.registry;

import dev.sluice.outbox.Loop;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.Watermark;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.ObjIntConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one event loop that hear one channel. Confined to that loop, so it needs no lock: other threads
 * queue their changes in {@link LoopChanges}. A connection joins and leaves in constant time.
 */
public final class LoopListeners {

    /** With up to this number of listeners, a search through the array is as fast as the map. */
    private static final int MAX_SEARCHED = 16;

    private final Channel channel;
    private final LoopChanges changes;

    /** The first {@code size} entries are the listeners, in no order. */
    private Listener[] listeners = new Listener[1];

    private int size;

    /** Immutable while it is empty. */
    private List<Deferred> deferrals = Collections.emptyList();

    /** The listeners by connection; {@code null} while there are few. */
    private @Nullable IdentityHashMap<Connection, Listener> byConnection;

    /** The newest publication that {@link #skipToRetained} sent to one of them; connections that join later skip older ones. */
    private long newestRetained;

    LoopListeners(Channel channel, LoopChanges changes) {
        this.channel = channel;
        this.changes = changes;
    }

    /** The loop of these connections. Thread-safe. */
    public Loop loop() {
        return changes.loop();
    }

    Channel channel() {
        return channel;
    }

    LoopChanges changes() {
        return changes;
    }

    /**
     * Sends publications of the channel to each connection once, after all queued changes. To be called on the loop.
     *
     * @param last whether the loop's task most likely sends nothing else to these connections
     * @param sent receives the number of connections that were sent the whole batch, and each part of it that was sent to a
     *     connection which had been given the rest before
     * @return the number of connections that were sent any of it
     */
    public int deliver(PublicationBatch batch, boolean last, ObjIntConsumer<PublicationBatch> sent) {
        changes.apply();
        if (!deferrals.isEmpty()) {
            List.copyOf(deferrals).forEach(Deferred::run);
            changes.apply();
        }
        long first = batch.first().sequence();
        long newest = batch.last().sequence();
        int whole = 0;
        int parts = 0;
        batch.sharedBy(Math.max(1, size));
        // Sending can end connections, which leave with the next apply().
        for (int i = 0; i < size; i++) {
            Listener listener = listeners[i];
            if (listener.after < first) {
                listener.connection.send(batch, last);
                listener.received = newest;
                whole++;
            } else {
                PublicationBatch part = listener.rest(batch);
                if (part != null) {
                    listener.connection.send(part, last);
                    listener.received = newest;
                    sent.accept(part, 1);
                    parts++;
                }
            }
        }
        sent.accept(batch, whole);
        return whole + parts;
    }

    /** See {@link Registry#skipToRetained}. */
    boolean skipToRetained(Connection connection, long sequence, long lost) {
        changes.apply();
        Listener listener = find(connection);
        if (listener == null
                || sequence <= listener.received
                // Published after the connection joined, so it was delivered or is on its way.
                || sequence > Math.max(listener.newestBefore, lost)) {
            return false;
        }
        listener.received = sequence;
        listener.after = Math.max(listener.after, sequence);
        newestRetained = Math.max(newestRetained, sequence);
        return true;
    }

    /** See {@link Registry#suspend}. */
    void suspend(Connection connection) {
        changes.apply();
        Listener listener = find(connection);
        if (listener != null) {
            listener.suspend();
        }
    }

    /** See {@link Registry#resume}. */
    void resume(Connection connection, @Nullable Watermark after) {
        changes.apply();
        Listener listener = find(connection);
        if (listener != null) {
            listener.resume(after);
        }
    }

    /** See {@link Registry#defer}. */
    @Nullable
    Deferral defer(Connection connection) {
        changes.apply();
        Listener listener = find(connection);
        if (listener == null) {
            return null;
        }
        listener.suspend();
        Deferred deferral = new Deferred(listener);
        if (listener.deferral != null) {
            deferrals.remove(listener.deferral);
        }
        listener.deferral = deferral;
        if (deferrals.isEmpty()) {
            deferrals = new ArrayList<>(1);
        }
        deferrals.add(deferral);
        return deferral;
    }

    /** See {@link Registry#received}. */
    long received(Connection connection) {
        changes.apply();
        Listener listener = find(connection);
        return listener == null ? 0 : listener.received;
    }

    /** Returns the connections, after all queued changes. To be called on the loop. */
    public List<Connection> connections() {
        changes.apply();
        return Arrays.stream(listeners, 0, size)
                .map(listener -> listener.connection)
                .toList();
    }

    /** Returns those of the {@link #connections} that are not deferred. To be called on the loop. */
    public List<Connection> receiving() {
        changes.apply();
        return Arrays.stream(listeners, 0, size)
                .filter(listener -> listener.deferral == null)
                .map(listener -> listener.connection)
                .toList();
    }

    /**
     * Suspends delivery to those of the {@link #connections} that are not suspended until an answer. To be called on the
     * loop.
     */
    public List<Suspension> suspendAnswered(Predicate<Connection> which) {
        changes.apply();
        List<Suspension> suspended = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            Listener listener = listeners[i];
            if (!listener.isSuspended() && which.test(listener.connection)) {
                listener.suspend();
                suspended.add(new Suspension(listener));
            }
        }
        return suspended;
    }

    /** Delivery of the channel to one connection is suspended. Confined to the loop. */
    public final class Suspension {

        private final Listener listener;

        private Suspension(Listener listener) {
            this.listener = listener;
        }

        public Connection connection() {
            return listener.connection;
        }

        public Channel channel() {
            return channel;
        }

        /** Whether delivery is still suspended since then. */
        public boolean lasts() {
            changes.apply();
            return find(listener.connection) == listener && listener.isSuspended();
        }
    }

    boolean isEmpty() {
        return size == 0;
    }

    void add(Listener listener) {
        listener.after = newestRetained;
        if (listener.connection.isWaiting()) {
            listener.suspend();
        }
        if (size == listeners.length) {
            listeners = Arrays.copyOf(listeners, 2 * size);
        }
        listener.index = size;
        listeners[size++] = listener;
        if (byConnection != null) {
            byConnection.put(listener.connection, listener);
        } else if (size > MAX_SEARCHED) {
            byConnection = new IdentityHashMap<>(2 * size);
            for (int i = 0; i < size; i++) {
                byConnection.put(listeners[i].connection, listeners[i]);
            }
        }
    }

    void remove(Connection connection) {
        Listener leaving = find(connection);
        if (leaving == null) {
            return;
        }
        Listener last = listeners[--size];
        listeners[leaving.index] = last;
        last.index = leaving.index;
        listeners[size] = null;
        deferrals.removeIf(deferral -> deferral.listener == leaving);
        if (byConnection != null) {
            byConnection.remove(connection);
            if (size <= MAX_SEARCHED / 2) {
                byConnection = null;
            }
        }
        if (size <= listeners.length / 4) {
            listeners = Arrays.copyOf(listeners, Math.max(1, listeners.length / 2));
        }
        if (size == 0) {
            changes.emptied(this);
        }
    }

    private @Nullable Listener find(Connection connection) {
        if (byConnection != null) {
            return byConnection.get(connection);
        }
        for (int i = 0; i < size; i++) {
            if (listeners[i].connection == connection) {
                return listeners[i];
            }
        }
        return null;
    }

    /** See {@link Registry#defer}. */
    private final class Deferred implements Deferral {

        private final Listener listener;
        private final Queue<Runnable> actions = new ConcurrentLinkedQueue<>();

        Deferred(Listener listener) {
            this.listener = listener;
        }

        @Override
        public void execute(Runnable action) {
            actions.add(action);
            // A delivery that is scheduled already may come first, with publications that are handed over later.
            loop().execute(this::run);
        }

        private void run() {
            for (Runnable next = actions.poll(); next != null; next = actions.poll()) {
                next.run();
            }
        }

        @Override
        public boolean hears() {
            changes.apply();
            return find(listener.connection) == listener;
        }

        @Override
        public boolean lasts() {
            return hears() && listener.deferral == this;
        }

        @Override
        public void end(long sequence) {
            if (lasts()) {
                deferrals.remove(this);
                listener.deferral = null;
                listener.after = sequence;
            }
        }
    }

    /** One connection that hears the channel. */
    static final class Listener {

        private static final long SUSPENDED = Long.MAX_VALUE;

        private final Connection connection;

        /** The index in the array of listeners. */
        private int index;

        /** The connection skips queued publications up to this one; {@link #SUSPENDED}: all. */
        private long after;

        /** While suspended: the connection gets publications after this point; {@code null}: none. */
        private @Nullable Watermark resumesAfter;

        /** The deferral that has not ended; {@code null} without one. */
        private @Nullable Deferred deferral;

        /** The newest publication that was delivered to the connection or given to it on request. */
        private long received;

        /**
         * The newest publication when the publishing thread could see the listeners: all later ones are delivered.
         * Written by the joining thread.
         */
        private volatile long newestBefore;

        Listener(Connection connection, long newestBefore) {
            this.connection = connection;
            this.newestBefore = newestBefore;
        }

        void newestBefore(long sequence) {
            newestBefore = sequence;
        }

        void suspend() {
            after = SUSPENDED;
            resumesAfter = null;
        }

        /** Whether it is suspended, and no point is known after which delivery continues. */
        boolean isSuspended() {
            return after == SUSPENDED && resumesAfter == null;
        }

        void resume(@Nullable Watermark point) {
            resumesAfter = point;
            if (point == null) {
                after = 0;
            }
        }

        /** Returns the part of a batch that is for this connection; {@code null} if there is none. */
        @Nullable
        PublicationBatch rest(PublicationBatch batch) {
            if (after == SUSPENDED && resumesAfter != null) {
                long skipped = 0;
                for (int i = 0; i < batch.count(); i++) {
                    if (!resumesAfter.covers(batch.get(i))) {
                        after = skipped;
                        resumesAfter = null;
                        break;
                    }
                    skipped = batch.get(i).sequence();
                }
                return batch.after(skipped);
            }
            return batch.after(after);
        }
    }
}
