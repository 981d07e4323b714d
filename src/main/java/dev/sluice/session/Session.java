package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.clock.Position;
import dev.sluice.feed.Gap;
import dev.sluice.outbox.Close;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Outbox;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.ClientMessage.Auth;
import dev.sluice.protocol.ClientMessage.Refresh;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.Refusal;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.route.Channel;
import dev.sluice.span.Span;
import dev.sluice.wire.ClientChannel;
import dev.sluice.wire.EventStreamChannel;
import dev.sluice.wire.Inbound;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection from its request to its end, and its state. {@link Authentication}, {@link CommandHandler} and
 * {@link Heartbeat}, which all sessions share, do the rest. Every method is to be called on the connection's event loop,
 * except {@link #loop}, {@link #run} and {@link #whenClosed}.
 */
final class Session implements Client, Inbound.Peer, EventStreamChannel.Owner, Outbox.Owner {

    /** The requests of authenticated clients. */
    interface Requests {
        void execute(Client client, ClientMessage message);

        /**
         * Starts the delivery to a client.
         *
         * @param answer receives the start for the answer to the client
         */
        void begin(Client client, Opening opening, Consumer<Start> answer);

        /** Returns the user's own channels, which the client receives without a subscription. */
        List<Channel> own(Client client);

        /**
         * Starts the delivery of the user's channels to a client that keeps a position for each channel.
         *
         * @param message has its positions
         * @param answer makes the answer to the client
         * @param then run after the answer
         */
        void connect(
                Client client,
                ClientMessage.Connect message,
                Function<Map<Channel, Start>, Frame> answer,
                Runnable then);

        /** Suspends delivery to a client until {@link #restart} reports a gap to it. */
        void suspend(Client client);

        /**
         * Makes a client that keeps a position for each channel subscribe again.
         *
         * @param streams whether also to channels that are read from streams alone
         */
        void restart(Client client, boolean streams);

        /** The client renewed its token. */
        void renew(Client client, AuthenticatedUser identity);
    }

    /**
     * The end of a session, for the log.
     *
     * @param user its user, {@code null} if it was not authenticated
     */
    record Ending(@Nullable String user, String why, Duration lasted) {}

    /** The number of shares of a period, by which sessions are spread. */
    static final int SHARES = 1 << 16;

    private enum State {
        /** No token has arrived yet. */
        UNAUTHENTICATED,
        /** A token is being verified. */
        VERIFYING,
        /** The session is authenticated. */
        OPEN,
        /** The session has ended, or not started. */
        OVER
    }

    private static final Logger LOG = Logger.getLogger(Session.class);

    private final Authentication authentication;
    private final Requests requests;
    private final Outbox outbox;
    private final Loop loop;
    private final Dialect dialect;
    private final PublicationFormat format;
    private final Function<Loop, @Nullable Position> delivered;
    private final long started = System.nanoTime();
    private State state = State.OVER;
    private @Nullable SessionRegistry sessions;
    private @Nullable ClientChannel channel;
    private @Nullable Runnable authTimer;
    private @Nullable Connection connection;
    private @Nullable AuthenticatedUser identity;
    private @Nullable AuthenticatedUser shown;
    private boolean refreshing;

    /** Present only if the client keeps a position for each channel. */
    private final @Nullable ChannelRestart channelRestart;

    /** The number of replays for which the session waits; until then no further message is handled. */
    private int waits;

    /** The rest of a frame with several messages; present only until they are handled. */
    private @Nullable UnhandledMessages unhandled;

    private @Nullable PendingSubscriptions pending;

    /** Present only from the start of a gap until its end is reported. */
    private @Nullable GapReports gaps;

    /** What the client is told after the answer to its authentication; present only from its admission until then. */
    private @Nullable List<Frame> untold;

    /** The reason why the session was closed before authentication. */
    private @Nullable String refused;

    /** The payload of the newest unanswered ping. */
    private byte @Nullable [] pinged;

    private boolean beating;
    private long nextBeat;
    private int unanswered;
    private boolean closed;
    private @Nullable List<CompletableFuture<Void>> onClosed;

    /**
     * Creates a session that has not started, on the WebSocket's event loop.
     *
     * @param delivered the position up to which everything has been handed to the connections of a loop
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
        PublicationFormat headers = writer.headers();
        this.format = headers == null ? dialect : headers;
        this.delivered = delivered;
        this.channelRestart = dialect instanceof ChannelDialect ? new ChannelRestart(this, requests) : null;
    }

    /** Sets the registry that is notified of the end; to be called before the start. */
    void belongsTo(SessionRegistry registry) {
        sessions = registry;
    }

    /** Sets the source of messages; to be called before the start. */
    void hears(ClientChannel from) {
        channel = from;
    }

    Loop loop() {
        return loop;
    }

    /** Runs a task on the WebSocket's event loop, and ends the session if the task throws. Thread-safe. */
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

    /** Starts the session, with the user if the request carried a token. */
    void opened(@Nullable AuthenticatedUser shown, Opening opening) {
        if (shown == null || isByChannel()) {
            this.shown = shown;
            authentication.await(this);
        } else {
            authentication.admit(this, shown, opening, null);
        }
    }

    /** The user of the upgrade request, if the session has yet to wait for a message. */
    @Nullable
    AuthenticatedUser shown() {
        return shown;
    }

    /** Whether the client keeps a position for each channel. */
    boolean isByChannel() {
        return channelRestart != null;
    }

    /** Waits for the auth message until the timer ends. */
    void await(Runnable timer) {
        state = State.UNAUTHENTICATED;
        authTimer = timer;
    }

    /** Starts the verification of a token, until the timer ends. */
    void verifying(Runnable timer) {
        state = State.VERIFYING;
        authTimer = timer;
        if (channel != null) {
            channel.slot().verifying();
        }
    }

    /** Creates the connection of the session, which becomes valid if {@link #admitted}; earlier timers end. */
    Connection newConnection(AuthenticatedUser of, boolean hearsUser, Consumer<Disconnected> observers) {
        // The rest of the frame is for the connection.
        UnhandledMessages rest = unhandled;
        over();
        unhandled = rest;
        return new Connection(
                of.user(), of.grants(), outbox, loop, observers, dialect.tag(), dialect.positioned(), hearsUser);
    }

    void admitted(Connection added, AuthenticatedUser of) {
        connection = added;
        identity = of;
        state = State.OPEN;
        untold = new ArrayList<>(0);
        if (channel != null) {
            channel.slot().decided();
            channel.authenticated();
        }
    }

    /** The client's authentication has been answered. */
    void welcomed() {
        List<Frame> due = untold;
        untold = null;
        if (due != null) {
            due.forEach(this::tell);
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

    /** Whether the session has ended or is being closed, so that messages are ignored. */
    boolean isOver() {
        return state == State.OVER || (state == State.OPEN && connection().ended() != null);
    }

    /** Handles a message; not to be called while it {@link #takesMessage takes none}. */
    void received(ClientMessage message) {
        int more = message.weight() - 1;
        if (more > 0 && channel != null && !channel.admits(more)) {
            return;
        }
        switch (state) {
            case UNAUTHENTICATED, VERIFYING -> authentication.received(this, message);
            case OPEN -> {
                if (message instanceof Auth auth) {
                    authentication.refresh(this, auth.token(), auth.id());
                } else if (message instanceof Refresh refresh) {
                    authentication.refresh(this, refresh.token(), refresh.id());
                } else {
                    requests.execute(this, message);
                }
            }
            case OVER -> {}
        }
    }

    @Override
    public void text(String text) {
        // Checked before parsing, which costs most.
        if (!isOver()) {
            List<ClientMessage> messages = dialect.parse(text);
            received(messages.get(0));
            int more = messages.size() - 1;
            if (more > 0 && (channel == null || channel.admits(more))) {
                unhandled = new UnhandledMessages(messages.subList(1, messages.size()));
                handle();
            }
        }
    }

    /** Handles the rest of a frame, until a message must be answered before the next. */
    private void handle() {
        UnhandledMessages rest = unhandled;
        if (rest != null && rest.handle(() -> unhandled == rest && isReady(), this::receivedUnlessOver)) {
            unhandled = null;
        }
    }

    private void receivedUnlessOver(ClientMessage message) {
        if (!isOver()) {
            received(message);
        }
    }

    @Override
    public void binary() {
        receivedUnlessOver(new ClientMessage.NotAnObject());
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
        return unhandled == null && isReady();
    }

    private boolean isReady() {
        if (state == State.OPEN && outbox.isHalfFull()) {
            // Its answer would have to wait as well.
            outbox.whenDrained(this::drained);
            return false;
        }
        return state != State.VERIFYING && !isWaiting();
    }

    /** Takes messages again. */
    void proceed() {
        handle();
        if (channel != null) {
            channel.proceed();
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
    public PublicationFormat format() {
        return format;
    }

    @Override
    public @Nullable Position at() {
        return outbox.isBehind() ? null : delivered.apply(loop);
    }

    @Override
    public boolean isWaiting() {
        return waits > 0;
    }

    @Override
    public void waits(boolean awaited) {
        waits += awaited ? 1 : -1;
        if (!isWaiting()) {
            restartIfDue();
            proceed();
        }
    }

    @Override
    public void spend(int bytes) {
        if (channel != null) {
            channel.spend(bytes);
        }
    }

    @Override
    public void inTurn(Runnable work) {
        if (channel != null) {
            channel.inTurn(work);
        } else {
            work.run();
        }
    }

    @Override
    public Span span() {
        return channel == null ? Span.NONE : channel.span();
    }

    @Override
    public PendingSubscriptions pending() {
        if (pending == null) {
            pending = new PendingSubscriptions();
        }
        return pending;
    }

    /** Starts the verification of a new token; returns false if one is under way. */
    boolean beginRefresh() {
        boolean first = !refreshing;
        refreshing = true;
        return first;
    }

    void endRefresh() {
        refreshing = false;
    }

    /** The session's place in actions that are spread over all sessions, out of {@link #SHARES}. */
    int share() {
        return System.identityHashCode(this) & (SHARES - 1);
    }

    /** The age of the session in nanoseconds; {@code now} is of {@link System#nanoTime}. */
    long age(long now) {
        return now - started;
    }

    /** Whether a message has been unfinished for that long; both in nanoseconds. */
    boolean isUnfinishedFor(long now, long nanos) {
        return channel != null && channel.isUnfinishedFor(now, nanos);
    }

    /** Whether a heartbeat is due; the next one is due after the interval. Both in nanoseconds. */
    boolean isBeatDue(long now, long maxInterval) {
        long interval = Math.min(maxInterval, dialect.maxHeartbeatNanos());
        if (!beating) {
            // The first ping is at a random time, so that sessions that started together are spread.
            beating = true;
            nextBeat = now + ThreadLocalRandom.current().nextLong(interval);
        }
        if (now - nextBeat < 0) {
            return false;
        }
        nextBeat = now + interval;
        return true;
    }

    /** The number of unanswered pings. */
    int unanswered() {
        return unanswered;
    }

    /** Sends a heartbeat, unless the client waits for the answer to its authentication. */
    void beat() {
        if (untold != null) {
            return;
        }
        if (!outbox.isSending() && dialect.answersHeartbeats()) {
            // Otherwise it would wait behind data under way, whose time is measured anyway.
            unanswered++;
        }
        dialect.heartbeat().forEach(this::tell);
        restartIfDue();
        tellPosition();
    }

    /** Sends the position up to which everything has been sent, if there is one now. */
    void tellPosition() {
        outbox.mark();
    }

    @Override
    public void heard() {
        unanswered = 0;
    }

    @Override
    public void pinged(byte[] bytes) {
        if (state == State.OPEN || !outbox.isSending()) {
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
    public void heldTooMany() {
        if (state == State.UNAUTHENTICATED || state == State.VERIFYING) {
            String message = "more than " + Inbound.MAX_HELD + " messages before the auth message was answered";
            authentication.refuse(this, Refusal.FLOOD, message);
        }
    }

    @Override
    public void evicted() {
        close(dialect.closeUntilLater("too many connections that have not authenticated"));
    }

    @Override
    public void closed() {
        endWith(Disconnect.CONNECTION_LOST);
    }

    /**
     * Ends later, so that nothing is written after the answer to a close frame, and reports that are due are still
     * sent.
     */
    private void endWith(Disconnect reason) {
        SessionRegistry those = sessions;
        if (those != null) {
            run(() -> those.end(this, reason));
        }
    }

    /** The outbox or the connection has failed. */
    @Override
    public void failed(Disconnect reason) {
        disconnect(reason);
    }

    @Override
    public Close closeFor(Disconnect reason) {
        return dialect.closeFor(reason);
    }

    @Override
    public @Nullable Frame mark() {
        boolean told = state == State.OPEN && untold == null && dialect.positioned();
        Position at = told ? delivered.apply(loop) : null;
        return at == null ? null : dialect.mark(at);
    }

    /** Sends a frame to any client; may throw. */
    void send(Frame frame) {
        outbox.send(frame);
    }

    /** Sends an unsolicited frame to an authenticated client, but not before the answer to its authentication. */
    void tell(Frame frame) {
        if (state == State.OPEN && untold != null) {
            untold.add(frame);
        } else if (state == State.OPEN) {
            connection().send(frame);
        }
    }

    /** Suspends delivery to a client that keeps a position for each channel, until {@link #restart}. */
    void suspend() {
        if (state == State.OPEN && channelRestart != null) {
            channelRestart.suspend();
        }
    }

    /**
     * Makes a client that keeps a position for each channel subscribe again, because it may have missed something.
     *
     * @param streams whether also of channels that are read from streams alone
     */
    void restart(boolean streams) {
        if (state == State.OPEN && channelRestart != null) {
            channelRestart.restart(streams);
        }
    }

    private void restartIfDue() {
        if (state == State.OPEN && channelRestart != null) {
            channelRestart.restartIfDue();
        }
    }

    /** Holds positions back from the start of a gap until it has been {@link #tell reported} to the client. */
    void holdUntilTold() {
        if (state == State.OPEN) {
            gaps().expect();
            outbox.hold();
            suspend();
        }
    }

    /**
     * Reports a gap to an authenticated client, once at its start and once at its end. Other clients get a current gap
     * when they authenticate.
     *
     * @param notice the report
     * @param concerned whether the client may miss something by it; otherwise it is only sent the end of a gap of whose
     *     start it knows
     */
    void tell(Gap gap, Frame notice, boolean concerned) {
        if (state != State.OPEN) {
            return;
        }
        GapReports reports = gaps();
        if (gap.open()) {
            if (reports.starts(gap, concerned)) {
                tell(notice);
            }
            restart(false);
            if (reports.isExpected()) {
                outbox.release();
            }
        } else if (reports.ends(gap)) {
            if (concerned || reports.wasSent()) {
                tell(notice);
            }
            // Otherwise the client was told when the pod had positions again.
            if (channelRestart != null && delivered.apply(loop) == null) {
                channelRestart.restartLater();
            }
        }
        if (reports.isOver()) {
            gaps = null;
        }
    }

    private GapReports gaps() {
        if (gaps == null) {
            gaps = new GapReports();
        }
        return gaps;
    }

    /** Ends the session from Sluice's side: a connection by its event; an unauthenticated session is just closed. */
    void disconnect(Disconnect reason) {
        if (state == State.OPEN) {
            connection().disconnect(reason);
        } else {
            close(dialect.closeFor(reason));
        }
    }

    /** Closes an unauthenticated session. */
    void close(Close how) {
        refused = how.reason();
        over();
        outbox.close(how);
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
        unhandled = null;
    }

    /** Handles the closed socket; the reason is used if there was none before. */
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
