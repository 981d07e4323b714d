package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.clock.Position;
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
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.span.Span;
import dev.sluice.wire.ClientChannel;
import dev.sluice.wire.EventStreamChannel;
import dev.sluice.wire.Inbound;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection from its request to its end: the messages that arrive, in order, and how it is closed. Until the
 * client is authenticated there is a {@link Handshake}, from then on an {@link AuthenticatedClient}; {@link Authentication},
 * {@link CommandHandler} and {@link Heartbeat}, which all sessions share, do the rest. Every method is to be called on the
 * connection's event loop, except {@link #loop} and {@link #run}.
 */
final class Session implements Inbound.Peer, EventStreamChannel.Owner, Outbox.Owner {

    /**
     * The end of a session, for the log.
     *
     * @param user its user, {@code null} if it was not authenticated
     */
    record Ending(@Nullable String user, String why, Duration lasted) {}

    /** The number of shares of a period, by which sessions are spread. */
    static final int SHARES = 1 << 16;

    private static final Logger LOG = Logger.getLogger(Session.class);

    private final Authentication authentication;
    private final Requests requests;
    private final Outbox outbox;
    private final Loop loop;
    private final Dialect dialect;
    private final PublicationFormat format;
    private final Function<Connection, @Nullable Position> delivered;
    private final long started = System.nanoTime();
    private @Nullable SessionRegistry sessions;
    private @Nullable ClientChannel channel;

    /** Present only from the start until the client is authenticated or refused. */
    private @Nullable Handshake handshake;

    /** Present only from the authentication until the end. */
    private @Nullable AuthenticatedClient client;

    /** The rest of a frame with several messages; present only until they are handled. */
    private @Nullable UnhandledMessages unhandled;

    /** The reason why the session was closed before authentication. */
    private @Nullable String refused;

    /** The payload of the newest unanswered ping. */
    private byte @Nullable [] pinged;

    /**
     * Creates a session that has not started, on the connection's event loop.
     *
     * @param delivered the position up to which everything has been handed to a connection
     */
    Session(
            Authentication authentication,
            Requests requests,
            FrameWriter writer,
            OutboxFactory outboxes,
            Loop loop,
            Dialect dialect,
            Function<Connection, @Nullable Position> delivered) {
        this.authentication = authentication;
        this.requests = requests;
        this.outbox = outboxes.open(writer, loop, this);
        this.loop = loop;
        this.dialect = dialect;
        PublicationFormat headers = writer.headers();
        this.format = headers == null ? dialect : headers;
        this.delivered = delivered;
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

    /** Runs a task on the connection's event loop, and ends the session if the task throws. Thread-safe. */
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
        handshake = new Handshake(shown);
        if (shown == null || isByChannel()) {
            authentication.await(this);
        } else {
            authentication.admit(this, shown, opening, null);
        }
    }

    /** Whether the client keeps a position for each channel. */
    boolean isByChannel() {
        return dialect instanceof ChannelDialect;
    }

    /** The handshake, which is not over. */
    Handshake handshake() {
        return Objects.requireNonNull(handshake);
    }

    /** Starts the verification of a token, until the timer ends. */
    void verifying(Runnable timer) {
        handshake().verify(timer);
        if (channel != null) {
            channel.slot().verifying();
        }
    }

    /** Ends the handshake, and creates the client, which becomes valid if {@link #admitted}. */
    AuthenticatedClient newClient(AuthenticatedUser of, boolean hearsUser, Consumer<Disconnected> observers) {
        endHandshake();
        Connection connection = new Connection(
                of.user(), of.grants(), outbox, loop, observers, dialect.tag(), dialect.positioned(), hearsUser);
        return new AuthenticatedClient(this, connection, of.until(), requests);
    }

    void admitted(AuthenticatedClient added) {
        client = added;
        if (channel != null) {
            channel.authenticated();
        }
    }

    /** Whether no token has arrived yet. */
    boolean isUnauthenticated() {
        return handshake != null && !handshake.isVerifying();
    }

    boolean isVerifying() {
        return handshake != null && handshake.isVerifying();
    }

    /** Whether the client is authenticated, and the session has not ended. */
    boolean isOpen() {
        return client != null;
    }

    /** The client while the session {@link #isOpen}. */
    AuthenticatedClient client() {
        return Objects.requireNonNull(client);
    }

    /** Calls the action with the client if the session {@link #isOpen}. */
    void ifOpen(Consumer<AuthenticatedClient> action) {
        if (client != null) {
            action.accept(client);
        }
    }

    /** Whether the session has ended or is being closed, so that messages are ignored. */
    boolean isOver() {
        return client == null ? handshake == null : client.connection().ended() != null;
    }

    /** Handles a message; not to be called while it {@link #takesMessage takes none}. */
    void received(ClientMessage message) {
        int more = message.weight() - 1;
        if (more > 0 && channel != null && !channel.admits(more)) {
            return;
        }
        if (handshake != null) {
            authentication.received(this, message);
        } else if (client != null && message instanceof Auth auth) {
            authentication.refresh(this, client, auth.token(), auth.id());
        } else if (client != null && message instanceof Refresh refresh) {
            authentication.refresh(this, client, refresh.token(), refresh.id());
        } else if (client != null) {
            requests.execute(client, message);
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
        if (client == null) {
            return !isVerifying();
        }
        if (outbox.isHalfFull()) {
            // Its answer would have to wait as well.
            outbox.whenDrained(this::drained);
            return false;
        }
        return !client.isWaiting();
    }

    /** Takes messages again. */
    void proceed() {
        handle();
        if (channel != null) {
            channel.proceed();
        }
    }

    /** The format of messages to the client. */
    Dialect dialect() {
        return dialect;
    }

    /** The format of publications to the client. */
    PublicationFormat format() {
        return format;
    }

    /** The position before which everything has been sent to the client; {@code null} if there is none. */
    @Nullable
    Position at() {
        return outbox.isBehind() ? null : delivered();
    }

    /** The position up to which everything has been handed to the connection. */
    @Nullable
    Position delivered() {
        return client == null ? null : delivered.apply(client.connection());
    }

    void spend(int bytes) {
        if (channel != null) {
            channel.spend(bytes);
        }
    }

    void inTurn(Runnable work) {
        if (channel != null) {
            channel.inTurn(work);
        } else {
            work.run();
        }
    }

    Span span() {
        return channel == null ? Span.NONE : channel.span();
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

    /** Whether the socket has not yet taken everything. */
    boolean isSending() {
        return outbox.isSending();
    }

    /** Sends the position up to which everything has been sent, if there is one now. */
    void tellPosition() {
        outbox.mark();
    }

    @Override
    public void heard() {
        if (client != null) {
            client.heard();
        }
    }

    @Override
    public void pinged(byte[] bytes) {
        if (isOpen() || !outbox.isSending()) {
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
        if (handshake != null) {
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
        boolean told = client != null && client.isAnswered() && dialect.positioned();
        Position at = told ? delivered() : null;
        return at == null ? null : dialect.mark(at);
    }

    /** Sends a frame to any client; may throw. */
    void send(Frame frame) {
        outbox.send(frame);
    }

    /** Ends the session from Sluice's side: a connection by its event; an unauthenticated session is just closed. */
    void disconnect(Disconnect reason) {
        if (client != null) {
            client.connection().disconnect(reason);
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

    private void endHandshake() {
        if (handshake != null) {
            handshake.cancelTimer();
            handshake = null;
            if (channel != null) {
                channel.slot().decided();
            }
        }
    }

    private void over() {
        endHandshake();
        ifOpen(AuthenticatedClient::cancelTimer);
        client = null;
        unhandled = null;
    }

    /** Handles the closed socket; the reason is used if there was none before. */
    Ending closed(Disconnect reason) {
        String user = null;
        String why = refused == null ? reason.tag() : refused;
        if (client != null) {
            Connection connection = client.connection();
            connection.disconnect(reason);
            user = connection.user();
            why = Objects.requireNonNull(connection.ended()).tag();
        }
        over();
        outbox.ended();
        return new Ending(user, why, Duration.ofNanos(age(System.nanoTime())));
    }
}
