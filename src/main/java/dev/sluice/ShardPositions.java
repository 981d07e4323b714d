package dev.sluice;

import dev.sluice.clock.Position;
import dev.sluice.feed.CountedChannels;
import dev.sluice.feed.ShardedChannels;
import dev.sluice.history.History;
import dev.sluice.history.Recounted;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Lets the history count each channel on the shard that serves it, and tells of the channels with listeners whose positions
 * begin or end. To be called on the thread that reads Redis.
 */
final class ShardPositions {

    private final History history;
    private final Registry registry;
    private final ChannelChanges changes;
    private final Consumer<Recounted> onRecounted;

    /** Channels whose positions have begun or ended, of which nobody was told yet. */
    private final Set<Channel> recounted = new LinkedHashSet<>();

    ShardPositions(History history, Registry registry, ChannelChanges changes, Consumer<Recounted> onRecounted) {
        this.history = history;
        this.registry = registry;
        this.changes = changes;
        this.onRecounted = onRecounted;
    }

    /** Counts the channels from now on. */
    void follow(ShardedChannels channels) {
        channels.whenCounted(name -> changes.of(name, channel -> {
            history.hold(channel);
            recount(channel);
        }));
        channels.whenLeft((shard, name) -> changes.of(name, channel -> {
            history.release(shard, channel);
            recountSoon(channels, channel);
        }));
        channels.whenDisconnected(shard -> ChannelChanges.guarded(() -> {
            // Otherwise the channels were recounted when the positions ended.
            Collection<Channel> left = history.counts(shard) ? history.channels(shard) : List.of();
            history.releaseShard(shard);
            left.forEach(channel -> recountSoon(channels, channel));
        }));
    }

    /** What follows is of a shard; {@code null} for what is not. Never throws. */
    void turnTo(@Nullable CountedChannels shard) {
        tell();
        history.turnTo(shard);
    }

    /**
     * The history has followed a tick of the shard.
     *
     * @param position {@code null} if the shard has none
     * @param adopted whether the history starts again there
     */
    void ticked(CountedChannels shard, @Nullable Position position, boolean adopted) {
        if (position == null || adopted) {
            history.channels(shard).forEach(this::recount);
        }
        shard.ticked(position != null);
        tell();
    }

    /** Later, so that all channels that leave a shard at once are told together. */
    private void recountSoon(ShardedChannels channels, Channel channel) {
        boolean first = recounted.isEmpty();
        recount(channel);
        if (first && !recounted.isEmpty()) {
            channels.later(this::tell);
        }
    }

    private void recount(Channel channel) {
        if (channel.route().history() && registry.listeners(channel) != null) {
            recounted.add(channel);
        }
    }

    /** To be called before later publications are handed over. */
    private void tell() {
        if (!recounted.isEmpty()) {
            ChannelChanges.guarded(() -> {
                Recounted event = new Recounted(List.copyOf(recounted));
                recounted.clear();
                onRecounted.accept(event);
            });
        }
    }
}
