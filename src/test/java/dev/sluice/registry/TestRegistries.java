package dev.sluice.registry;

import com.github.benmanes.caffeine.cache.Ticker;
import dev.sluice.config.Scope;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import java.time.Duration;
import java.util.List;

/** Makes registries for tests of other packages. */
public final class TestRegistries {

    private TestRegistries() {}

    public static Registry with(Scope scope) {
        return new Registry(TestOutboxFactory.ROUTES, scope, 256, Integer.MAX_VALUE, noLingering());
    }

    /** Returns a registry with other routes. */
    public static Registry with(Routes routes) {
        return new Registry(routes, Scope.USER, 256, Integer.MAX_VALUE, noLingering());
    }

    /** Returns a registry with scope user and lingering subscriptions. */
    public static Registry with(LingeringSubscriptions lingering) {
        return new Registry(TestOutboxFactory.ROUTES, Scope.USER, 256, Integer.MAX_VALUE, lingering);
    }

    /** Returns lingering subscriptions that last for the duration. */
    public static LingeringSubscriptions lingering(Duration linger) {
        return new LingeringSubscriptions(linger, 1 << 20, Scope.USER, 256, Ticker.systemTicker());
    }

    static LingeringSubscriptions noLingering() {
        return lingering(Duration.ZERO);
    }

    /** Whether the registry is empty. */
    public static boolean isEmpty(Registry registry) {
        return registry.isEmpty();
    }

    /** Returns the connections that hear the channel. */
    public static List<Connection> hearing(Registry registry, Channel channel) {
        return RegistryTest.hearing(registry.listeners(channel));
    }
}
