package dev.sluice.feed;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.arc.InjectableInstance;
import io.quarkus.redis.client.RedisClientName;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.BackPressureStrategy;
import io.smallrye.mutiny.subscription.MultiEmitter;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import jakarta.inject.Singleton;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * What Redis publishes on the wanted patterns, as a stream that never ends by itself, and whether its link is live.
 * What happens to a publication is not its business.
 */
@Singleton
public final class Feed {

    /** The named Redis client whose configuration the subscription uses. */
    static final String CLIENT = "feed";

    private final FeedRedis redis;
    private final Vertx vertx;
    private final FeedConfig config;
    private volatile @Nullable Supervisor supervisor;

    Feed(
            @RedisClientName(CLIENT) InjectableInstance<Redis> configured,
            FeedRedis redis,
            Vertx vertx,
            FeedConfig config,
            MeterRegistry metrics) {
        if (!configured.getHandle().getBean().isActive()) {
            throw new ConfigurationException(
                    "No Redis to listen to: set quarkus.redis.hosts (QUARKUS_REDIS_HOSTS), as in redis://localhost:6379");
        }
        this.redis = redis;
        this.vertx = vertx;
        this.config = config;
        // Says at start, rather than at the first attempt, whether the bounds make sense.
        backoff();
        if (config.connectTimeout().toMillis() < 1) {
            throw new ConfigurationException(
                    "sluice.feed.connect-timeout must be at least 1 ms, is " + config.connectTimeout());
        }
        Gauge.builder("sluice.feed.live", this, feed -> feed.live() ? 1 : 0)
                .description("1 while the subscription to Redis is live")
                .register(metrics);
    }

    /**
     * Publications on every channel that starts with one of the prefixes and a colon, in the order Redis sent them.
     * The stream neither completes nor fails; an interruption of the link is survived inside. Items come on the event
     * loop that reads Redis and are dropped while the subscriber has requested none. Each subscriber makes a
     * subscription of its own, and {@link #live} speaks of the last: there should be one.
     */
    public Multi<Publication> publications(Collection<String> prefixes) {
        List<String> patterns = prefixes.stream().map(prefix -> prefix + ":*").toList();
        return Multi.createFrom().emitter(subscriber -> supervise(patterns, subscriber), BackPressureStrategy.DROP);
    }

    /** Whether Redis has acknowledged the subscription and its link has not ended since. */
    public boolean live() {
        Supervisor current = supervisor;
        return current != null && current.live();
    }

    private void supervise(List<String> patterns, MultiEmitter<? super Publication> subscriber) {
        // One context for the supervision, whichever thread subscribes.
        Context context = vertx.getOrCreateContext();
        Supervisor supervised = new Supervisor(
                events -> RedisLink.open(redis.create(vertx), patterns, context, events),
                subscriber::emit,
                backoff(),
                config.connectTimeout(),
                (delay, action) -> {
                    long id = vertx.setTimer(delay.toMillis(), fired -> context.runOnContext(x -> action.run()));
                    return () -> vertx.cancelTimer(id);
                });
        supervisor = supervised;
        subscriber.onTermination(() -> context.runOnContext(x -> supervised.stop()));
        context.runOnContext(x -> supervised.start());
    }

    private Backoff backoff() {
        return new Backoff(
                config.backoff().initial(),
                config.backoff().max(),
                () -> ThreadLocalRandom.current().nextLong());
    }
}
