package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.clock.Position;
import dev.sluice.feed.Gap;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Outbox;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.ClientMessage.Auth;
import dev.sluice.protocol.ClientMessageParser;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.Refusal;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.wire.Inbound;
import dev.sluice.wire.WebSocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One WebSocket from its upgrade to its end: its state, and what changes it. {@link Authentication}, {@link CommandHandler} and
 * {@link Heartbeat}, which all sessions share, do the rest. Every method is to be called on the WebSocket's event loop,
 * except {@link #loop}, {@link #run} and {@link #whenClosed}.
 */
final class Session implements Client, Inbound.Peer, WebSocketChannel.Owner, Outbox.Owner {

    /** What authenticated clients ask for. */
    interface Requests {
        void execute(Client client, ClientMessage message);

        /**
         * The client, whose protocol has positions, begins to hear its user's channels.
         *
         * @param since the position that it holds; {@code null} where it has none
         * @param answer receives what it is to be told
         */
        void begin(Client client, @Nullable Position since, Consumer<Resumption.Answer> answer);

        /** The client has shown another token of the same user, which counts from now on. */
        void renew(Client client, AuthenticatedUser identity);
    }

    /**
     * How one ended, for the log.
     *
     * @param user its user, {@code null} if it was not authenticated
     */
    record Ending(@Nullable String user, String why, Duration lasted) {}

    /** In how many shares a period is cut to have a moment for each session. */
    static final int SHARES = 1 << 16;

    /** Close code: a limit is reached; the client may try again later. */
    static final int TRY_AGAIN_LATER = 1013;

    private enum State {
        /** No token has been shown yet. */
        UNAUTHENTICATED,
        /** A token is being verified. */
        VERIFYING,
        /** It is a connection. */
        OPEN,
        /** Nothing is answered any more, or yet. */
        OVER
    }

    private static final Logger LOG = Logger.getLogger(Session.class);

    private final Authentication authentication;
    private final Requests requests;
    private final Outbox outbox;
    private final Loop loop;
    private final Dialect dialect;
    private final Function<Loop, @Nullable Position> delivered;
    private final long started = System.nanoTime();
    private State state = State.OVER;
    private @Nullable SessionRegistry sessions;
    private @Nullable WebSocketChannel channel;
    private @Nullable Runnable authTimer;
    private @Nullable Connection connection;
    private @Nullable AuthenticatedUser identity;
    private boolean refreshing;

    /** Whether it waits for a replay, until which no further message is taken. */
    private boolean waiting;

    private @Nullable PendingSubscriptions pending;

    /** The interruption that the client has been told of, while it lasts. */
    private @Nullable Gap told;

    /** Interruptions that it has yet to be told of. */
    private int untold;

    /** Why it was closed although it was no connection. */
    private @Nullable String refused;

    /** What the newest ping carried that is not answered yet. */
    private byte @Nullable [] pinged;

    private boolean beating;
    private long nextBeat;
    private int unanswered;
    private boolean closed;
    private @Nullable List<CompletableFuture<Void>> onClosed;

    /**
     * A session that has not started, on the WebSocket's event loop.
     *
     * @param delivered up to where the connections of a loop have been handed everything
     */
    Session(
            Authentication authentication,
            Requests requests,
            FrameWriter writer,
            OutboxFactory outboxes,
            Loop loop,
            Dialect dialect,
            Function<Loop, @Nullable Position> delivered) {
        this.authentication = authentication;
        this.requests = requests;
        this.outbox = outboxes.open(writer, loop, this);
        this.loop = loop;
        this.dialect = dialect;
        this.delivered = delivered;
    }

    /** Who is told of its end; to be said before it starts. */
    void belongsTo(SessionRegistry registry) {
        sessions = registry;
    }

    /** Where its messages come from; to be said before it starts. */
    void hears(WebSocketChannel from) {
        channel = from;
    }

    Loop loop() {
        return loop;
    }

    /** Runs a task on the WebSocket's event loop, and ends the session where the task throws; may be called on any thread. */
    void run(Runnable task) {
        loop.execute(() -> {
            try {
                task.run();
            } catch (Throwable e) {
                LOG.debug("A task of a session failed", e);
                disconnect(Disconnect.INTERNAL_ERROR);
            }
        });
    }

    /** Starts it; with an identity, and perhaps a position, where the upgrade request has shown them already. */
    void opened(@Nullable AuthenticatedUser shown, @Nullable Position since) {
        if (shown == null) {
            authentication.await(this);
        } else {
            authentication.admit(this, shown, since, null);
        }
    }

    /** Awaits the auth message until the timer has run out. */
    void await(Runnable timer) {
        state = State.UNAUTHENTICATED;
        authTimer = timer;
    }

    /** A token is being verified, until the timer has run out. */
    void verifying(Runnable timer) {
        state = State.VERIFYING;
        authTimer = timer;
        if (channel != null) {
            channel.slot().verifying();
        }
    }

    /** The connection that it becomes if it is {@link #admitted}; what came before is over. */
    Connection newConnection(AuthenticatedUser of, Consumer<Disconnected> observers) {
        over();
        return new Connection(of.user(), of.grants(), outbox, loop, observers, dialect.tag(), dialect.positioned());
    }

    void admitted(Connection added, AuthenticatedUser of) {
        connection = added;
        identity = of;
        state = State.OPEN;
        if (channel != null) {
            channel.slot().decided();
            channel.inbound().authenticated();
        }
    }

    boolean isUnauthenticated() {
        return state == State.UNAUTHENTICATED;
    }

    boolean isVerifying() {
        return state == State.VERIFYING;
    }

    boolean isOpen() {
        return state == State.OPEN;
    }

    /** Whether it has ended or is being closed, so that messages no longer matter. */
    boolean isOver() {
        return state == State.OVER || (state == State.OPEN && connection().ended() != null);
    }

    /** A message has come; not to be called while it {@link #takesMessage takes none}. */
    void received(ClientMessage message) {
        int more = message.weight() - 1;
        if (more > 0 && channel != null && !channel.inbound().admits(more)) {
            return;
        }
        switch (state) {
            case UNAUTHENTICATED, VERIFYING -> authentication.received(this, message);
            case OPEN -> {
                if (message instanceof Auth auth) {
                    authentication.refresh(this, auth);
                } else {
                    requests.execute(this, message);
                }
            }
            case OVER -> {}
        }
    }

    @Override
    public void text(String text) {
        // Before it is parsed: that costs more than all else.
        if (!isOver()) {
            received(ClientMessageParser.parse(text, dialect.positioned()));
        }
    }

    @Override
    public void binary() {
        if (!isOver()) {
            received(new ClientMessage.NotAnObject());
        }
    }

    @Override
    public void left() {
        endWith(Disconnect.CLIENT_CLOSED);
    }

    @Override
    public void failed(Disconnect reason, Throwable cause) {
        if (sessions != null) {
            sessions.failed(this, reason, cause);
        }
    }

    @Override
    public boolean takesMessage() {
        if (state == State.OPEN && outbox.isFull()) {
            // Its answer would only wait as well.
            outbox.whenDrained(this::drained);
            return false;
        }
        return state != State.VERIFYING && !waiting;
    }

    /** It takes messages again. */
    void proceed() {
        if (channel != null) {
            channel.inbound().proceed();
        }
    }

    @Override
    public Connection connection() {
        return Objects.requireNonNull(connection);
    }

    @Override
    public AuthenticatedUser identity() {
        return Objects.requireNonNull(identity);
    }

    @Override
    public void renew(AuthenticatedUser renewed) {
        identity = renewed;
    }

    @Override
    public Dialect dialect() {
        return dialect;
    }

    @Override
    public @Nullable Position at() {
        return outbox.isBehind() ? null : delivered.apply(loop);
    }

    @Override
    public boolean isWaiting() {
        return waiting;
    }

    @Override
    public void waits(boolean awaited) {
        waiting = awaited;
        if (!awaited) {
            proceed();
        }
    }

    @Override
    public void spend(int bytes) {
        if (channel != null) {
            channel.inbound().spend(bytes);
        }
    }

    @Override
    public void inTurn(Runnable work) {
        if (channel != null) {
            channel.inbound().inTurn(work);
        } else {
            work.run();
        }
    }

    @Override
    public PendingSubscriptions pending() {
        if (pending == null) {
            pending = new PendingSubscriptions();
        }
        return pending;
    }

    /** Another token of its user is being verified; false where one is already. */
    boolean beginRefresh() {
        boolean first = !refreshing;
        refreshing = true;
        return first;
    }

    void endRefresh() {
        refreshing = false;
    }

    /** Its moment in whatever is done with all sessions one after the other, out of {@link #SHARES}. */
    int share() {
        return System.identityHashCode(this) & (SHARES - 1);
    }

    /** How long it has lasted, in nanoseconds; {@code now} is of {@link System#nanoTime}. */
    long age(long now) {
        return now - started;
    }

    /** Whether the end of a message has been missing for so long; both in nanoseconds. */
    boolean isUnfinishedFor(long now, long nanos) {
        return channel != null && channel.inbound().isUnfinishedFor(now, nanos);
    }

    /** Whether it is time to ask for a sign of life, which is then so again after the interval; both in nanoseconds. */
    boolean isBeatDue(long now, long interval) {
        if (!beating) {
            // The first at any time, so that those who came together are not served together for ever.
            beating = true;
            nextBeat = now + ThreadLocalRandom.current().nextLong(interval);
        }
        if (now - nextBeat < 0) {
            return false;
        }
        nextBeat = now + interval;
        return true;
    }

    /** How many requests for a sign of life are unanswered. */
    int unanswered() {
        return unanswered;
    }

    /** Asks for a sign of life. */
    void beat() {
        if (!outbox.busy()) {
            // Else it would wait behind what is under way, whose time is measured anyway.
            unanswered++;
        }
        tell(dialect.ping());
        tell(new Frame.Ping());
        tellPosition();
    }

    /** Tells the client up to where it has been sent everything, unless it can't be said now. */
    void tellPosition() {
        outbox.mark();
    }

    @Override
    public void heard() {
        unanswered = 0;
    }

    @Override
    public void pinged(byte[] bytes) {
        if (state == State.OPEN || !outbox.busy()) {
            outbox.send(new Frame.Pong(bytes));
        } else {
            // RFC 6455, 5.5.3: of several pings only the newest needs an answer.
            pinged = bytes;
            outbox.whenDrained(this::drained);
        }
    }

    private void drained() {
        if (pinged != null) {
            outbox.send(new Frame.Pong(pinged));
            pinged = null;
        }
        proceed();
    }

    @Override
    public void flooded() {
        disconnect(Disconnect.FLOODED);
    }

    @Override
    public void heldTooMany() {
        if (state == State.UNAUTHENTICATED || state == State.VERIFYING) {
            String message = "more than " + Inbound.MAX_HELD + " messages before the auth message was answered";
            authentication.refuse(this, Refusal.FLOOD, message);
        }
    }

    @Override
    public void inboundFull() {
        disconnect(Disconnect.INBOUND_FULL);
    }

    @Override
    public void reset() {
        disconnect(Disconnect.CONNECTION_RESET);
    }

    @Override
    public void evicted() {
        close(TRY_AGAIN_LATER, "too many connections that have not authenticated");
    }

    @Override
    public void closed() {
        endWith(Disconnect.CONNECTION_LOST);
    }

    /** Later, so that nothing is written behind the answer to a close frame, and what is about to be told still is. */
    private void endWith(Disconnect reason) {
        SessionRegistry those = sessions;
        if (those != null) {
            run(() -> those.end(this, reason));
        }
    }

    /** The outbox has failed. */
    @Override
    public void failed(Disconnect reason) {
        disconnect(reason);
    }

    @Override
    public @Nullable Frame mark() {
        Position at = state == State.OPEN && dialect.positioned() ? delivered.apply(loop) : null;
        return at == null ? null : dialect.mark(at);
    }

    /** Sends a frame, whether the client is admitted or not; may throw. */
    void send(Frame frame) {
        outbox.send(frame);
    }

    /** Tells a client that is admitted something it has not asked for. */
    void tell(Frame frame) {
        if (state == State.OPEN) {
            connection().send(frame);
        }
    }

    /** An interruption has begun: until its client has been {@link #tell told}, no position says that all before it was sent. */
    void holdUntilTold() {
        if (state == State.OPEN) {
            untold++;
            outbox.hold();
        }
    }

    /**
     * Tells a client that is admitted of an interruption, once when it begins and once when it is over. Others are told of
     * what lasts when they are admitted.
     *
     * @param notice says so
     */
    void tell(Gap gap, Frame notice) {
        if (state != State.OPEN) {
            return;
        }
        if (gap.open()) {
            // One that has been admitted meanwhile may know of a later one already.
            if (told == null || gap.since().isAfter(told.since())) {
                told = gap;
                tell(notice);
            }
            if (untold > 0) {
                untold--;
                outbox.release();
            }
        } else if (told != null && told.since().equals(gap.since())) {
            told = null;
            tell(notice);
        }
    }

    /** Ends it from our side; a connection is told of through its event, anything less is just closed. */
    void disconnect(Disconnect reason) {
        if (state == State.OPEN) {
            connection().disconnect(reason);
        } else {
            close(reason.closeCode(), reason.message());
        }
    }

    /** Closes it although it is no connection. */
    void close(int code, String reason) {
        refused = reason;
        over();
        outbox.close(code, reason);
    }

    void cancelTimer() {
        if (authTimer != null) {
            authTimer.run();
            authTimer = null;
        }
    }

    private void over() {
        if (state == State.UNAUTHENTICATED || state == State.VERIFYING) {
            cancelTimer();
            if (channel != null) {
                channel.slot().decided();
            }
        }
        state = State.OVER;
    }

    /** The socket is closed; the reason counts where none was known before. */
    Ending closed(Disconnect reason) {
        String user = null;
        String why = refused == null ? reason.tag() : refused;
        if (state == State.OPEN) {
            connection().disconnect(reason);
            user = connection().user();
            why = Objects.requireNonNull(connection().ended()).tag();
        }
        over();
        outbox.ended();
        closed = true;
        if (onClosed != null) {
            onClosed.forEach(done -> done.complete(null));
        }
        return new Ending(user, why, Duration.ofNanos(age(System.nanoTime())));
    }

    /** Completes once the socket is closed. */
    CompletionStage<Void> whenClosed() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        loop.execute(() -> {
            if (closed) {
                done.complete(null);
                return;
            }
            if (onClosed == null) {
                onClosed = new ArrayList<>(1);
            }
            onClosed.add(done);
        });
        return done;
    }
}
