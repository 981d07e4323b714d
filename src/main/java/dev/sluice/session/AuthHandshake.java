package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.TokenResult;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.ClientMessage.Auth;
import dev.sluice.protocol.ClientMessage.NotAnObject;
import dev.sluice.protocol.Refusal;
import org.jspecify.annotations.Nullable;

/**
 * How a client gets in: what it says first, the time it has for that, and its token under judgement, during which it takes
 * no other message. Ends by {@link Session#admit} or {@link Session#refuse}; confined to the session's event loop.
 */
final class AuthHandshake {

    static final String NOT_NOW = "tokens can't be verified now";

    private final SessionHost host;
    private final Session session;
    private Runnable cancelTimer;
    private boolean verifying;
    private boolean over;

    /** Begins: the time runs. */
    AuthHandshake(SessionHost host, Session session) {
        this.host = host;
        this.session = session;
        this.cancelTimer = host.startAuthTimer(session);
    }

    /** Whether it takes a message: not while a token is being looked at. */
    boolean takesMessage() {
        return !verifying;
    }

    void received(ClientMessage message) {
        if (message instanceof Auth auth) {
            verify(auth);
        } else if (message instanceof NotAnObject) {
            session.refuse(Refusal.NOT_JSON, "the first message must be a JSON object");
        } else {
            session.refuse(Refusal.NOT_AUTH, "the first message must be an auth message with a token");
        }
    }

    void timedOut() {
        if (!verifying) {
            session.refuse(Refusal.TIMEOUT, "no auth message in time");
        } else {
            session.refuse(Refusal.UNAVAILABLE, NOT_NOW);
        }
    }

    /** It is decided, or the client has gone: no verdict counts any more. */
    void end() {
        over = true;
        cancelTimer.run();
    }

    private void verify(Auth auth) {
        cancelTimer.run();
        cancelTimer = host.startAuthTimer(session);
        session.verifying();
        verifying = true;
        host.verify(auth.token(), result -> session.run(() -> verified(result, auth.id())));
    }

    private void verified(TokenResult result, @Nullable JsonNode id) {
        if (over) {
            return;
        }
        if (result instanceof TokenResult.Accepted accepted) {
            session.admit(accepted.identity(), id);
        } else if (result instanceof TokenResult.Refused refused) {
            session.refuse(Refusal.of(refused.reason()), refused.message());
        } else if (result instanceof TokenResult.Forbidden) {
            session.refuse(Refusal.WEBHOOK, TokenResult.Forbidden.MESSAGE);
        } else {
            session.refuse(result instanceof TokenResult.Undecided ? Refusal.UNDECIDED : Refusal.UNAVAILABLE, NOT_NOW);
        }
    }
}
