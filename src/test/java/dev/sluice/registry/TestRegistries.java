package dev.sluice.registry;

import dev.sluice.outbox.TestOutboxes;
import dev.sluice.route.Channel;
import java.util.List;

/** Registries for tests elsewhere. */
public final class TestRegistries {

    private TestRegistries() {}

    public static Registry with(Scope scope) {
        return new Registry(TestOutboxes.ROUTES, scope, 256, Integer.MAX_VALUE);
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
