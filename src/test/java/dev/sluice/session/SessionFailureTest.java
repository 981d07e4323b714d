package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.TestAuthorizers;
import dev.sluice.access.TokenResult;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Disconnected;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A session is closed if its client can't be answered, for example for lack of memory. */
class SessionFailureTest {

    private final List<Integer> closes = new ArrayList<>();
    private final TestAuthentication authentication = new TestAuthentication();

    private final Session session = new Session(
            authentication.with(NoRequests.INSTANCE),
            NoRequests.INSTANCE,
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
            new Loop(0, Runnable::run),
            Dialect.V1,
            on -> null);

    @Test
    void failedAuthSuccessEndsTheConnection() {
        authenticate(new TokenResult.Accepted(TestAuthorizers.identity("7")));
        assertThat(authentication.ended).extracting(Disconnected::reason).containsExactly(Disconnect.INTERNAL_ERROR);
        assertThat(closes).containsExactly(1011);
    }

    @Test
    void failedAuthErrorClosesTheSocket() {
        authenticate(new TokenResult.Refused(TokenResult.Reason.SIGNATURE, "no"));
        assertThat(authentication.ended).isEmpty();
        assertThat(closes).containsExactly(1011);
    }

    private void authenticate(TokenResult result) {
        session.opened(null, Opening.own(null));
        session.received(new ClientMessage.Auth("token", null, null));
        authentication.results.get(0).accept(result);
    }
}
