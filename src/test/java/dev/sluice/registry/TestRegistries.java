package dev.sluice.registry;

import com.github.benmanes.caffeine.cache.Ticker;
import dev.sluice.config.Scope;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.time.Duration;
import java.util.List;

/** Registries for tests elsewhere. */
public final class TestRegistries {

    private TestRegistries() {}

    public static Registry with(Scope scope) {
        return new Registry(TestOutboxFactory.ROUTES, scope, 256, Integer.MAX_VALUE, noLingering());
    }

    /** One with scope user in which subscriptions linger. */
    public static Registry with(LingeringSubscriptions lingering) {
        return new Registry(TestOutboxFactory.ROUTES, Scope.USER, 256, Integer.MAX_VALUE, lingering);
    }

    /** Keeps what it is told for so long. */
    public static LingeringSubscriptions lingering(Duration linger) {
        return new LingeringSubscriptions(linger, 1 << 20, Scope.USER, 256, Ticker.systemTicker());
    }

    static LingeringSubscriptions noLingering() {
        return lingering(Duration.ZERO);
    }

    /** Nothing at all is held. */
    public static boolean isEmpty(Registry registry) {
        return registry.isEmpty();
    }

    /** Who hears the channel now. */
    public static List<Connection> hearing(Registry registry, Channel channel) {
        return RegistryTest.hearing(registry.listeners(channel));
    }
}
