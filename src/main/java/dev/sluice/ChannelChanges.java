package dev.sluice;

import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/** Handles what the feed tells of channels. Never throws: the feed calls it in the midst of other work. */
final class ChannelChanges {

    private static final Logger LOG = Logger.getLogger(Relay.class);

    private final Routes routes;

    ChannelChanges(Routes routes) {
        this.routes = routes;
    }

    /** Runs the action with the channel of that name, if there is a route for it. */
    void of(String name, Consumer<Channel> action) {
        guarded(() -> {
            Channel channel = routes.resolve(name);
            if (channel != null) {
                action.accept(channel);
            }
        });
    }

    static void guarded(Runnable action) {
        try {
            action.run();
        } catch (Throwable e) {
            LOG.error("Handling a change of channels failed. Please report this bug", e);
        }
    }
}
