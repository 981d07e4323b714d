package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.TokenResult;
import dev.sluice.feed.Gap;
import dev.sluice.guard.Slot;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Outbox;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.ClientMessage.Auth;
import dev.sluice.protocol.ErrorCode;
import dev.sluice.protocol.Refusal;
import dev.sluice.protocol.ServerMessage;
import dev.sluice.registry.Connection;
import dev.sluice.wire.Inbound;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One WebSocket: unauthenticated, then open, then over. Every method is to be called on the WebSocket's event loop, except
 * {@link #loop}, {@link #run} and {@link #whenClosed}.
 */
final class Session implements Inbound.Peer {

    /**
     * How one ended, for the log.
     *
     * @param user its user, {@code null} if it was not authenticated
     */
    record Ending(@Nullable String user, String why, Duration lasted) {}

    /** In how many shares a period is cut to have a moment for each session. */
    static final int SHARES = 1 << 16;

    /** How long a client may leave a message unfinished. */
    static final long MAX_UNFINISHED_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** A limit is reached; the client may try again later. */
    private static final int TRY_AGAIN_LATER = 1013;

    private sealed interface State {
        /** It has not been let in yet. */
        record Authenticating(AuthHandshake handshake) implements State {}

        /** It is a connection. */
        record Open(Conversation conversation) implements State {}

        /** Nothing is answered any more. */
        record Over() implements State {}
    }

    private static final Logger LOG = Logger.getLogger(Session.class);

    private final SessionHost host;
    private final Outbox outbox;
    private final Loop loop;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private State state = new State.Over();
    private final KeepAlive keepAlive = new KeepAlive();
    private Runnable admitted = () -> {};
    private @Nullable Slot slot;
    private @Nullable String refused;
    private final long started = System.nanoTime();
    private @Nullable Inbound inbound;

    /** What the newest ping carried that is not answered yet. */
    private byte @Nullable [] pinged;

    /**
     * A session that has not started.
     *
     * @param loop the WebSocket's event loop
     */
    Session(SessionHost host, FrameWriter writer, OutboxFactory outboxes, Loop loop) {
        this.host = host;
        this.outbox = outboxes.open(writer, loop, this::disconnect);
        this.loop = loop;
    }

    /** The WebSocket's event loop. */
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

    /** What is to be run once it becomes a connection; to be said before it starts. */
    void whenAdmitted(Runnable action) {
        admitted = action;
    }

    /** The place of its connection, of which it may be evicted; to be said before it starts. */
    void holds(Slot held) {
        slot = held;
        held.onEviction(() -> close(TRY_AGAIN_LATER, "too many connections that have not authenticated"));
    }

    /** A token is being verified: it is silent no more. */
    void verifying() {
        if (slot != null) {
            slot.verifying();
        }
    }

    /** Where its messages come from; to be said before it starts. */
    void hears(Inbound from) {
        inbound = from;
    }

    /** Starts it; with a bearer where the upgrade request has shown one already. */
    void opened(@Nullable AuthenticatedUser identity) {
        if (identity == null) {
            state = new State.Authenticating(new AuthHandshake(host, this));
        } else {
            admit(identity, null);
        }
    }

    /** A message has come; not to be called while it {@link #takesMessage takes none}. */
    void received(ClientMessage message) {
        int more = message.weight() - 1;
        if (more > 0 && inbound != null && !inbound.admits(more)) {
            return;
        }
        if (state instanceof State.Authenticating authenticating) {
            authenticating.handshake().received(message);
        } else if (state instanceof State.Open open) {
            if (message instanceof Auth auth) {
                refresh(open.conversation(), auth);
            } else {
                host.execute(open.conversation(), message);
            }
        }
    }

    /** The message that came last has been handled. */
    void handled() {
        if (inbound != null) {
            inbound.handled();
        }
    }

    /** Whether it has ended or is being closed, so that messages no longer matter. */
    boolean isOver() {
        return state instanceof State.Over
                || (state instanceof State.Open open
                        && open.conversation().connection().ended() != null);
    }

    @Override
    public boolean takesMessage() {
        if (state instanceof State.Open && outbox.isFull()) {
            // Its answer would only wait as well.
            outbox.whenDrained(this::drained);
            return false;
        }
        return !(state instanceof State.Authenticating authenticating)
                || authenticating.handshake().takesMessage();
    }

    void authTimedOut() {
        if (state instanceof State.Authenticating authenticating) {
            authenticating.handshake().timedOut();
        }
    }

    /** Its moment in whatever is done with all sessions one after the other, out of {@link #SHARES}. */
    int share() {
        return System.identityHashCode(this) & (SHARES - 1);
    }

    /**
     * Asks for a sign of life where it is time to, and ends it where none has come for too long, or not the end of a
     * message; both in nanoseconds of {@link System#nanoTime}.
     */
    void beat(long now, long interval) {
        if (!(state instanceof State.Open)) {
            return;
        }
        if (inbound != null && inbound.isUnfinishedFor(now, MAX_UNFINISHED_NANOS)) {
            disconnect(Disconnect.INBOUND_FULL);
            return;
        }
        switch (keepAlive.due(now, interval)) {
            case NOTHING -> {}
            case BEAT -> {
                if (!outbox.busy()) {
                    // Else it would wait behind what is under way, whose time is measured anyway.
                    keepAlive.asked();
                }
                tell(ServerMessage.PING);
                tell(new Frame.Ping());
            }
            case END -> disconnect(Disconnect.PEER_SILENT);
        }
    }

    /** Ends it where it is older than the limit, give or take a tenth; both in nanoseconds. */
    void retire(long now, long maxAge) {
        if (now - started >= maxAge - maxAge / 10 + maxAge / 5 * share() / SHARES) {
            disconnect(Disconnect.MAX_AGE);
        }
    }

    /** Ends it where the token it was shown last is no longer good; in milliseconds since the epoch. */
    void expire(long now) {
        if (state instanceof State.Open open
                && now >= open.conversation().identity().until()) {
            disconnect(Disconnect.TOKEN_EXPIRED);
        }
    }

    @Override
    public void heard() {
        keepAlive.heard();
    }

    @Override
    public void pinged(byte[] bytes) {
        if (state instanceof State.Open || !outbox.busy()) {
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
        if (inbound != null) {
            inbound.proceed();
        }
    }

    @Override
    public void flooded() {
        disconnect(Disconnect.FLOODED);
    }

    @Override
    public void heldTooMany() {
        if (state instanceof State.Authenticating) {
            refuse(Refusal.FLOOD, "more than " + Inbound.MAX_HELD + " messages before the auth message was answered");
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

    /** Tells a client that is admitted something it has not asked for. */
    void tell(Frame frame) {
        if (state instanceof State.Open open) {
            open.conversation().send(frame);
        }
    }

    /**
     * Tells a client that is admitted of an interruption, once when it begins and once when it is over.
     *
     * @param notice says so
     */
    void tell(Gap gap, Frame notice) {
        // A client that is not authenticated yet gets a lasting gap once it is.
        if (state instanceof State.Open open) {
            open.conversation().tell(gap, notice);
        }
    }

    /** Ends it from our side; a connection is told of through its event, anything less is just closed. */
    void disconnect(Disconnect reason) {
        if (state instanceof State.Open open) {
            open.conversation().connection().disconnect(reason);
        } else {
            close(reason.closeCode(), reason.message());
        }
    }

    /** The socket is closed; the reason counts where none was known before. */
    Ending closed(Disconnect reason) {
        String user = null;
        String why = refused == null ? reason.tag() : refused;
        if (state instanceof State.Open open) {
            Connection connection = open.conversation().connection();
            connection.disconnect(reason);
            user = connection.user();
            why = Objects.requireNonNull(connection.ended()).tag();
        }
        over();
        outbox.ended();
        ended.complete(null);
        return new Ending(user, why, Duration.ofNanos(System.nanoTime() - started));
    }

    /** Completes once the socket is closed. */
    CompletionStage<Void> whenClosed() {
        return ended;
    }

    /** The client has shown who it is; the id is that of its auth message. */
    void admit(AuthenticatedUser identity, @Nullable JsonNode id) {
        over();
        Connection connection = new Connection(identity.user(), identity.grants(), outbox, loop, host::disconnected);
        Conversation conversation = new Conversation(connection, identity);
        State.Open open = new State.Open(conversation);
        if (!host.admit(connection)) {
            close(TRY_AGAIN_LATER, "too many connections of this user");
            return;
        }
        // Nothing may fail between: what is in the registry must end with the session.
        state = open;
        admitted.run();
        outbox.send(ServerMessage.authSuccess(identity.user(), id));
        Gap gap = host.gap();
        if (gap != null) {
            conversation.tell(gap, ServerMessage.gap(gap.since(), null));
        }
        if (inbound != null) {
            inbound.proceed();
        }
    }

    private void refresh(Conversation conversation, Auth auth) {
        if (!conversation.beginRefresh()) {
            conversation.send(ServerMessage.error(
                    ErrorCode.UNAVAILABLE, "the auth message before this one is not answered yet", auth.id()));
            return;
        }
        host.verify(auth.token(), result -> run(() -> refreshed(conversation, result, auth.id())));
    }

    private void refreshed(Conversation conversation, TokenResult result, @Nullable JsonNode id) {
        conversation.endRefresh();
        String user = conversation.identity().user();
        if (result instanceof TokenResult.Refused refused) {
            conversation.send(ServerMessage.error(ErrorCode.UNAUTHORIZED, refused.message(), id));
        } else if (result instanceof TokenResult.Forbidden) {
            conversation.send(ServerMessage.error(ErrorCode.UNAUTHORIZED, TokenResult.Forbidden.MESSAGE, id));
        } else if (!(result instanceof TokenResult.Accepted accepted)) {
            conversation.send(ServerMessage.error(ErrorCode.UNAVAILABLE, AuthHandshake.NOT_NOW, id));
        } else if (!accepted.identity().user().equals(user)) {
            conversation.send(ServerMessage.error(ErrorCode.UNAUTHORIZED, "token is another user's", id));
        } else {
            conversation.send(ServerMessage.authSuccess(user, id));
            host.renew(conversation, accepted.identity());
        }
    }

    /** The client is not let in. */
    void refuse(Refusal refusal, String message) {
        host.authFailed(refusal);
        if (refusal.announced()) {
            outbox.send(ServerMessage.authError(message));
        }
        close(refusal.closeCode(), message);
    }

    private void close(int code, String reason) {
        refused = reason;
        over();
        outbox.close(code, reason);
    }

    private void over() {
        if (state instanceof State.Authenticating authenticating) {
            authenticating.handshake().end();
            if (slot != null) {
                slot.decided();
            }
        }
        state = new State.Over();
    }
}
