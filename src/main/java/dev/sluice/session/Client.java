package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.clock.Position;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import org.jspecify.annotations.Nullable;

/** An authenticated client, as {@link CommandHandler} see it. Confined to the connection's event loop. */
interface Client {

    Connection connection();

    /** The token that counts. */
    AuthenticatedUser identity();

    /** Another token of the same user counts from now on. */
    void renew(AuthenticatedUser renewed);

    /** What messages to it look like. */
    Dialect dialect();

    /** Everything before it has been sent to it; {@code null} where that can't be said of any position. */
    @Nullable
    Position at();

    /** Whether it waits for a replay, until which no further message is taken. */
    boolean isWaiting();

    /** From now on it waits for a replay, or no longer. */
    void waits(boolean waiting);

    /** This turn of the event loop has handled so many bytes for it. */
    void spend(int bytes);

    /** Runs work for it, of which it must have none in the queue, as soon as a turn of the event loop has room for it. */
    void inTurn(Runnable work);

    /** Its requests to subscribe that are not decided yet. */
    PendingSubscriptions pending();
}
