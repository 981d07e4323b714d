package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.protocol.ClientMessage;

/** For sessions whose clients ask for nothing. */
enum NoRequests implements Session.Requests {
    INSTANCE;

    @Override
    public void execute(Client client, ClientMessage message) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void renew(Client client, AuthenticatedUser identity) {
        throw new UnsupportedOperationException();
    }
}
