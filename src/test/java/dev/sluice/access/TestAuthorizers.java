package dev.sluice.access;

import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Access;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.Map;

/** Makes authorizers and users for tests of other packages. */
public final class TestAuthorizers {

    private TestAuthorizers() {}

    /** Returns an authorizer that asks the given one for routes with access owner. */
    public static Authorizer asking(ChannelAuthorizer authorizer) {
        return new Authorizer(
                TestOutboxFactory.ROUTES,
                Map.of(Access.OWNER, authorizer),
                new RecentRefusals(),
                new SimpleMeterRegistry());
    }

    /** Returns a user whose token never expires and names these channels. */
    public static AuthenticatedUser identity(String user, String... channels) {
        return new AuthenticatedUser(user, Long.MAX_VALUE, Grants.of(List.of(channels), user));
    }
}
