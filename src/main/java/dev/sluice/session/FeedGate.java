package dev.sluice.session;

import dev.sluice.feed.Feed;
import dev.sluice.feed.ShardedChannels;
import dev.sluice.feed.WantedChannels;
import dev.sluice.log.LimitMeter;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.Dialect;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Lets clients listen to channels only once the feed hears these. It hears all channels, except in the modes {@code
 * exact} and {@code sharded}. Thread-safe.
 */
@Singleton
final class FeedGate {

    private final @Nullable WantedChannels subscriptions;
    private final LimitMeter tooMany;

    @Inject
    FeedGate(Feed feed, MeterRegistry metrics) {
        this(feed.channels(), new LimitMeter("max-channels", metrics));
    }

    /** @param subscriptions {@code null} if the feed hears all channels */
    FeedGate(@Nullable WantedChannels subscriptions, LimitMeter tooMany) {
        this.subscriptions = subscriptions;
        this.tooMany = tooMany;
    }

    /** Whether the feed hears all channels, so that clients never wait. */
    boolean isOpen() {
        return subscriptions == null;
    }

    /** Whether clients must wait for the channel; the feed may hear it already. */
    boolean guards(Channel channel) {
        return subscriptions != null && channel.route().source().hearsPublish();
    }

    /**
     * Makes the feed hear the channels.
     *
     * @param dialect the client's; if it has positions, the client waits until the channels have them as well
     * @param onHeard called once the feed hears them, or its gap is reported to clients. Its argument must be run when the
     *     client listens, or has given up; it is {@code null} if this pod has too many channels
     */
    void join(List<Channel> channels, Dialect dialect, Consumer<@Nullable Runnable> onHeard) {
        List<String> names =
                channels.stream().filter(this::guards).map(Channel::name).toList();
        if (subscriptions == null || names.isEmpty()) {
            onHeard.accept(() -> {});
            return;
        }
        // On shards, only channels have positions.
        boolean counts =
                subscriptions instanceof ShardedChannels ? dialect instanceof ChannelDialect : dialect.positioned();
        subscriptions.join(names, counts, release -> {
            if (release == null) {
                tooMany.exceeded();
            }
            onHeard.accept(release);
        });
    }

    /**
     * Tells a client of a loss of the channel that began before it listened; it is told of the end as the other listeners are.
     * To be called on the client's loop, once it listens and has been told so. A loss that begins meanwhile may be told
     * twice.
     */
    void tellLoss(Client client, Channel channel) {
        Instant since = subscriptions == null ? null : subscriptions.lossSince(channel.name());
        if (since != null) {
            client.connection().send(client.dialect().gap(channel, since, null));
        }
    }
}
