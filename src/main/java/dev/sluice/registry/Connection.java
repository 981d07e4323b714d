package dev.sluice.registry;

import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Outbox;
import dev.sluice.outbox.OutboxState;
import dev.sluice.route.Access;
import dev.sluice.route.Channel;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One authenticated connection of one user, a WebSocket or an event stream, bound to one event loop. Equal only to
 * itself.
 */
public final class Connection {

    private static final Logger LOG = Logger.getLogger(Connection.class);

    private static final AtomicReferenceFieldUpdater<Connection, @Nullable Disconnect> ENDED =
            AtomicReferenceFieldUpdater.newUpdater(Connection.class, Disconnect.class, "ended");

    private final String user;
    private final Outbox outbox;
    private final Loop loop;
    private final Consumer<Disconnected> observers;
    private final String protocol;
    private final boolean positioned;
    private final boolean hearsUser;
    private final Instant since = Instant.now();
    private final UUID id = new UUID(
            ThreadLocalRandom.current().nextLong(), ThreadLocalRandom.current().nextLong());
    private volatile Predicate<Channel> grants;

    /** A field, because each delivery reads it, and an object of its own would seldom be in the processor's cache. */
    private volatile @Nullable Disconnect ended;

    /** Whether its client has yet to be answered. Confined to the loop. */
    private boolean waiting;

    /**
     * A connection that has not ended.
     *
     * @param user its user
     * @param grants what its own token allows it to hear, where that counts
     * @param loop the event loop it is bound to
     * @param observers called when it ends
     */
    public Connection(
            String user, Predicate<Channel> grants, Outbox outbox, Loop loop, Consumer<Disconnected> observers) {
        this(user, grants, outbox, loop, observers, "v1", false, true);
    }

    /**
     * A connection that has not ended.
     *
     * @param protocol what its client speaks, as metrics name it
     * @param positioned whether its client gets positions, from which it can resume on another connection
     * @param hearsUser whether it hears its user's channels
     */
    public Connection(
            String user,
            Predicate<Channel> grants,
            Outbox outbox,
            Loop loop,
            Consumer<Disconnected> observers,
            String protocol,
            boolean positioned,
            boolean hearsUser) {
        this.user = user;
        this.grants = grants;
        this.outbox = outbox;
        this.loop = loop;
        this.observers = observers;
        this.protocol = protocol;
        this.positioned = positioned;
        this.hearsUser = hearsUser;
    }

    /** The user of the connection. */
    public String user() {
        return user;
    }

    /** A text that only this connection has. */
    public String id() {
        return id.toString();
    }

    /** When the connection was authenticated. */
    public Instant since() {
        return since;
    }

    /** The client's protocol, as named in metrics. */
    public String protocol() {
        return protocol;
    }

    /** Whether the client gets positions. It then resumes by itself, so its subscriptions end with the connection. */
    public boolean positioned() {
        return positioned;
    }

    /** Whether the connection hears its user's channels. */
    public boolean hearsUser() {
        return hearsUser;
    }

    /** The event loop of the connection. */
    public Loop loop() {
        return loop;
    }

    /** Whether the connection may hear a channel that its user may hear: on some routes its own token decides. */
    public boolean mayHear(Channel channel) {
        return channel.route().access() != Access.CLAIM || grants.test(channel);
    }

    /** Returns what {@link #mayHear} decides now, without a reference to the connection. */
    public Predicate<Channel> hearable() {
        Predicate<Channel> own = grants;
        return channel -> channel.route().access() != Access.CLAIM || own.test(channel);
    }

    /**
     * Records whether its client has yet to be answered. Until then it does not receive channels that it joins, see {@link
     * Registry#start}. To be called on its loop.
     */
    public void waits(boolean awaited) {
        waiting = awaited;
    }

    /** Whether its client has yet to be answered. To be called on its loop. */
    public boolean isWaiting() {
        return waiting;
    }

    /** See {@link Registry#regrant}. */
    void regrant(Predicate<Channel> granted) {
        grants = granted;
    }

    /**
     * Sends a frame after all earlier ones; drops it if the connection has ended. If sending fails, the connection
     * ends, and the exception does not reach the caller. To be called on its loop.
     */
    public void send(Frame frame) {
        send(frame, false);
    }

    /** Sends a frame; {@code last}: see {@link Outbox#sendLast}. */
    void send(Frame frame, boolean last) {
        if (ended != null) {
            return;
        }
        try {
            if (last) {
                outbox.sendLast(frame);
            } else {
                outbox.send(frame);
            }
        } catch (Throwable e) {
            LOG.debugf(e, "Sending failed");
            disconnect(Disconnect.INTERNAL_ERROR);
        }
    }

    /** See {@link Outbox#hold}. To be called on its loop. */
    public void hold() {
        outbox.hold();
    }

    /** See {@link Outbox#release}. To be called on its loop. */
    public void release() {
        outbox.release();
    }

    /** Whether a frame of that cost fits into the outbox. To be called on its loop. */
    public boolean hasRoom(long cost) {
        return outbox.hasRoom(cost);
    }

    /** Whether a frame of that cost fits into the empty outbox. */
    public boolean canHold(long cost) {
        return outbox.canHold(cost);
    }

    /** See {@link Outbox#state}. To be called on its loop. */
    public OutboxState state(Channel channel) {
        return outbox.state(channel);
    }

    /** Drops held publications of the channel. To be called on its loop. */
    public void forget(Channel channel) {
        outbox.forget(channel);
    }

    /**
     * Ends the connection: fires the event and closes the socket. Only the first reason counts. Never throws. To be
     * called on its loop.
     */
    public void disconnect(Disconnect reason) {
        if (ENDED.compareAndSet(this, null, reason)) {
            try {
                end(reason);
            } catch (Throwable e) {
                // Other connections may be waiting for their part of this delivery.
                LOG.error("A step of the end of a connection failed. Please report this bug", e);
            }
        }
    }

    /** Each step is tried even if an earlier one fails, because a later call of {@link #disconnect} does nothing. */
    private void end(Disconnect reason) {
        try {
            outbox.settle();
        } finally {
            tellAndClose(reason);
        }
    }

    private void tellAndClose(Disconnect reason) {
        try {
            // Before the socket is closed, so that a client that reconnects at once does not find its old connection.
            observers.accept(new Disconnected(this, reason));
        } finally {
            close(reason);
        }
    }

    /** Returns the close code for a reason of its end. */
    public int closeCode(Disconnect reason) {
        return outbox.closeFor(reason).code();
    }

    /** Closes the socket with the reason's code, after all earlier frames. */
    private void close(Disconnect reason) {
        loop.execute(() -> {
            outbox.close(outbox.closeFor(reason));
        });
    }

    /** Returns the reason of the end; {@code null} while the connection is open. */
    public @Nullable Disconnect ended() {
        return ended;
    }
}
