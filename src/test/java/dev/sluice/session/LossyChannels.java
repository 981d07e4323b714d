package dev.sluice.session;

import dev.sluice.feed.WantedChannels;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Channels by name that may be lossy; all requests are granted at once. */
final class LossyChannels implements WantedChannels {

    final Map<String, Instant> losses = new HashMap<>();

    @Override
    public @Nullable Instant lossSince(String name) {
        return losses.get(name);
    }

    @Override
    public void join(Collection<String> names, boolean counts, Consumer<@Nullable Runnable> onReady) {
        onReady.accept(() -> {});
    }

    @Override
    public void whenUnsubscribed(Consumer<String> action) {}

    @Override
    public void wanted(String name) {}

    @Override
    public void unwanted(String name) {}

    @Override
    public int subscribed() {
        return 0;
    }

    @Override
    public int pending() {
        return 0;
    }

    @Override
    public int lingering() {
        return 0;
    }
}
