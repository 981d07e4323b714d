package dev.sluice.socket;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.Verdict;
import dev.sluice.socket.ClientMessage.Auth;
import dev.sluice.socket.ClientMessage.NotAnObject;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a client gets in: what it says first, the time it has for that, and its token under judgement, during which all else
 * it says is held. Ends by {@link Session#admit} or {@link Session#refuse}; confined to the session's event loop.
 */
final class Admission {

    /** Frames a client may send behind its auth frame before that is answered. */
    static final int MAX_HELD = 64;

    static final String NOT_NOW = "tokens can't be verified now";

    private final SessionHost host;
    private final Session session;
    private Runnable cancelTimer;
    private boolean over;

    /** There once a token is being looked at. */
    private @Nullable List<ClientMessage> held;

    /** Begins: the time runs. */
    Admission(SessionHost host, Session session) {
        this.host = host;
        this.session = session;
        this.cancelTimer = host.startAuthTimer(session);
    }

    void received(ClientMessage message) {
        if (held != null) {
            hold(held, message);
        } else if (message instanceof Auth auth) {
            verify(auth);
        } else if (message instanceof NotAnObject) {
            session.refuse(Refusal.NOT_JSON, "the first message must be a JSON object");
        } else {
            session.refuse(Refusal.NOT_AUTH, "the first message must be an auth message with a token");
        }
    }

    void timedOut() {
        if (held == null) {
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

    private void hold(List<ClientMessage> waiting, ClientMessage message) {
        if (waiting.size() < MAX_HELD) {
            waiting.add(message);
        } else {
            session.refuse(Refusal.FLOOD, "more than " + MAX_HELD + " messages before the auth message was answered");
        }
    }

    private void verify(Auth auth) {
        cancelTimer.run();
        cancelTimer = host.startAuthTimer(session);
        session.verifying();
        List<ClientMessage> waiting = new ArrayList<>();
        held = waiting;
        host.verify(auth.token(), verdict -> session.run(() -> verified(verdict, auth.id(), waiting)));
    }

    private void verified(Verdict verdict, @Nullable JsonNode id, List<ClientMessage> waiting) {
        if (over) {
            return;
        }
        if (verdict instanceof Verdict.Accepted accepted) {
            session.admit(accepted.bearer(), id);
            waiting.forEach(session::handle);
        } else if (verdict instanceof Verdict.Refused refused) {
            session.refuse(Refusal.of(refused.reason()), refused.message());
        } else if (verdict instanceof Verdict.Forbidden) {
            session.refuse(Refusal.WEBHOOK, Verdict.Forbidden.MESSAGE);
        } else {
            session.refuse(verdict instanceof Verdict.Undecided ? Refusal.UNDECIDED : Refusal.UNAVAILABLE, NOT_NOW);
        }
    }
}
