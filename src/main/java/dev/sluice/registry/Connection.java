package dev.sluice.registry;

import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Outbox;
import dev.sluice.route.Access;
import dev.sluice.route.Channel;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** One authenticated WebSocket of one user, bound to one event loop. Equal only to itself. */
public final class Connection {

    private static final Logger LOG = Logger.getLogger(Connection.class);

    private final String user;
    private final Outbox outbox;
    private final Loop loop;
    private final Consumer<Disconnected> observers;
    private final String protocol;
    private final boolean positioned;
    private final Instant since = Instant.now();
    private final AtomicReference<@Nullable Disconnect> ended = new AtomicReference<>();
    private volatile Predicate<Channel> grants;

    /**
     * A connection that has not ended.
     *
     * @param user its user
     * @param grants what its own token allows it to hear, where that counts
     * @param loop the event loop it is bound to
     * @param observers told when it ends
     */
    public Connection(
            String user, Predicate<Channel> grants, Outbox outbox, Loop loop, Consumer<Disconnected> observers) {
        this(user, grants, outbox, loop, observers, "v1", false);
    }

    /**
     * A connection that has not ended.
     *
     * @param protocol what its client speaks, as metrics name it
     * @param positioned whether its client is told positions, from which it can resume on another connection
     */
    public Connection(
            String user,
            Predicate<Channel> grants,
            Outbox outbox,
            Loop loop,
            Consumer<Disconnected> observers,
            String protocol,
            boolean positioned) {
        this.user = user;
        this.grants = grants;
        this.outbox = outbox;
        this.loop = loop;
        this.observers = observers;
        this.protocol = protocol;
        this.positioned = positioned;
    }

    /** Whom it belongs to. */
    public String user() {
        return user;
    }

    /** Since when it is there. */
    public Instant since() {
        return since;
    }

    /** The protocol that its client speaks, as metrics name it. */
    public String protocol() {
        return protocol;
    }

    /** Whether its client is told positions: it resumes by itself, so its subscriptions end with it. */
    public boolean positioned() {
        return positioned;
    }

    /** The event loop it is bound to. */
    public Loop loop() {
        return loop;
    }

    /** Whether it may hear the channel although only its user has been asked: on some routes its own token decides. */
    public boolean mayHear(Channel channel) {
        return channel.route().access() != Access.CLAIM || grants.test(channel);
    }

    /** See {@link Registry#regrant}. */
    void regrant(Predicate<Channel> granted) {
        grants = granted;
    }

    /**
     * Sends after everything sent before; dropped once the connection has ended. Where that goes wrong it ends, and
     * nobody else is concerned. To be called on its loop.
     */
    public void send(Frame frame) {
        if (ended.get() != null) {
            return;
        }
        try {
            outbox.send(frame);
        } catch (Throwable e) {
            LOG.debugf(e, "Sending failed");
            disconnect(Disconnect.INTERNAL_ERROR);
        }
    }

    /** Begins a replay or the like, see {@link Outbox#hold}. To be called on its loop. */
    public void hold() {
        outbox.hold();
    }

    /** Ends one {@link #hold}. To be called on its loop. */
    public void release() {
        outbox.release();
    }

    /** Whether a frame that is charged for so many bytes fits into its outbox. To be called on its loop. */
    public boolean hasRoom(long cost) {
        return outbox.hasRoom(cost);
    }

    /** Drops what of the channel has been held back because it was too slow. To be called on its loop. */
    public void forget(Channel channel) {
        outbox.forget(channel);
    }

    /**
     * Ends it: tells the observers and closes its socket. The first reason given counts, later ones are ignored. Never
     * throws. To be called on its loop.
     */
    public void disconnect(Disconnect reason) {
        if (ended.compareAndSet(null, reason)) {
            try {
                tell(reason);
            } catch (Throwable e) {
                // Others may be waiting for their share of what this one could not be sent.
                LOG.error("The end of a connection could not be told", e);
            }
        }
    }

    private void tell(Disconnect reason) {
        try {
            outbox.settle();
            // Before the socket is closed: a client that comes back at once must not find its old connection.
            observers.accept(new Disconnected(this, reason));
        } finally {
            close(reason);
        }
    }

    /** Closes its socket, after everything sent before, with the reason's code. */
    private void close(Disconnect reason) {
        loop.execute(() -> outbox.close(reason.closeCode(), reason.message()));
    }

    /** Why it has ended; {@code null} while it has not. */
    public @Nullable Disconnect ended() {
        return ended.get();
    }
}
