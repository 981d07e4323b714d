package dev.sluice.access;

import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Access;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.Map;

/** Authorizers and bearers for tests elsewhere. */
public final class TestAuthorizers {

    private TestAuthorizers() {}

    /** One that asks the judge who the owners are. */
    public static Authorizer asking(ChannelAuthorizer authorizer) {
        return new Authorizer(TestOutboxFactory.ROUTES, Map.of(Access.OWNER, authorizer), new SimpleMeterRegistry());
    }

    /** Somebody with a token that never expires and names these channels. */
    public static AuthenticatedUser identity(String user, String... channels) {
        return new AuthenticatedUser(user, Long.MAX_VALUE, Grants.of(List.of(channels), user));
    }
}
