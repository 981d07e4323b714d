package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.registry.Connection;

/** An authenticated client, as {@link CommandHandler} see it. Confined to the connection's event loop. */
interface Client {

    Connection connection();

    /** The token that counts. */
    AuthenticatedUser identity();

    /** Another token of the same user counts from now on. */
    void renew(AuthenticatedUser renewed);

    /** Its requests to subscribe that are not decided yet. */
    PendingSubscriptions pending();
}
