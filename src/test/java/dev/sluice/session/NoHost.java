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

/** For sessions of which nothing is asked, or only what is overridden. */
class NoHost implements SessionHost {

    @Override
    public Runnable startAuthTimer(Session session) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void verify(String token, Consumer<TokenResult> result) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean admit(Connection connection) {
        throw new UnsupportedOperationException();
    }

    @Override
    public @Nullable Gap gap() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void disconnected(Disconnected event) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void execute(Conversation conversation, ClientMessage message) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void authFailed(Refusal reason) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void renew(Conversation conversation, AuthenticatedUser identity) {
        throw new UnsupportedOperationException();
    }
}
