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

    /** Its requests to subscribe that are not decided yet. */
    PendingSubscriptions pending();
}
