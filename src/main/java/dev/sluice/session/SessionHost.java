package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.TokenResult;
import dev.sluice.feed.Gap;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Refusal;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a session needs of the world outside it. */
interface SessionHost {
    /** Runs {@link Session#authTimedOut} when the time for a step of it is up; returns what cancels it. */
    Runnable startAuthTimer(Session session);

    /** Judges a token; the verdict may come on another thread. Never fails. */
    void verify(String token, Consumer<TokenResult> result);

    /** The client has shown who it is; false where its user has as many connections as allowed. */
    boolean admit(Connection connection);

    /** The interruption of the feed that lasts, if any. */
    @Nullable
    Gap gap();

    /** A connection has ended. */
    void disconnected(Disconnected event);

    /** Does what an admitted client asks for. */
    void execute(Conversation conversation, ClientMessage message);

    /** The client has shown another token of the same user, which counts from now on. */
    void renew(Conversation conversation, AuthenticatedUser identity);

    /** Counts a failed authentication. */
    void authFailed(Refusal reason);
}
