package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.TestAuthorizers;
import dev.sluice.access.TokenResult;
import dev.sluice.feed.Gap;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Refusal;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A session whose client can't be answered, as when there is no memory left, is closed. */
class SessionFailureTest {

    private final List<Integer> closes = new ArrayList<>();
    private final List<Disconnect> ended = new ArrayList<>();
    private final List<Consumer<TokenResult>> results = new ArrayList<>();

    private final Session session = new Session(
            new NoHost() {
                @Override
                public Runnable startAuthTimer(Session started) {
                    return () -> {};
                }

                @Override
                public void verify(String token, Consumer<TokenResult> result) {
                    results.add(result);
                }

                @Override
                public boolean admit(Connection connection) {
                    return true;
                }

                @Override
                public @Nullable Gap gap() {
                    return null;
                }

                @Override
                public void disconnected(Disconnected event) {
                    ended.add(event.reason());
                }

                @Override
                public void authFailed(Refusal reason) {}
            },
            new FrameWriter() {
                @Override
                public void write(Frame frame) {
                    throw new Error("thrown by the test");
                }

                @Override
                public void flush(Done done) {}

                @Override
                public void close(int code, String reason) {
                    closes.add(code);
                }

                @Override
                public void cut() {}
            },
            TestOutboxFactory.standard(),
            new Loop(0, Runnable::run));

    @Test
    void failedAuthSuccessEndsTheConnection() {
        authenticate(new TokenResult.Accepted(TestAuthorizers.identity("7")));
        assertThat(ended).containsExactly(Disconnect.INTERNAL_ERROR);
        assertThat(closes).containsExactly(Disconnect.INTERNAL_ERROR.closeCode());
    }

    @Test
    void failedAuthErrorClosesTheSocket() {
        authenticate(new TokenResult.Refused(TokenResult.Reason.SIGNATURE, "no"));
        assertThat(ended).isEmpty();
        assertThat(closes).containsExactly(Disconnect.INTERNAL_ERROR.closeCode());
    }

    private void authenticate(TokenResult result) {
        session.opened(null);
        session.received(new ClientMessage.Auth("token", null));
        results.get(0).accept(result);
    }
}
