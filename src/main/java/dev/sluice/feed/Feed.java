package dev.sluice.feed;

import dev.sluice.delivery.Source;
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
import jakarta.enterprise.event.Event;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * What Redis publishes on the wanted patterns, as a stream that never ends by itself, and whether its link is live.
 * What happens to a publication is not its business.
 */
@Singleton
public final class Feed implements Source {

    /** The named Redis client whose configuration the subscription uses. */
    static final String CLIENT = "feed";

    private final FeedRedis redis;
    private final Vertx vertx;
    private final FeedConfig config;
    private final Event<Interrupted> interrupted;
    private final Context context;
    private volatile @Nullable Supervisor supervisor;

    Feed(
            @RedisClientName(CLIENT) InjectableInstance<Redis> configured,
            FeedRedis redis,
            Vertx vertx,
            FeedConfig config,
            Event<Interrupted> interrupted,
            MeterRegistry metrics) {
        if (!configured.getHandle().getBean().isActive()) {
            throw new ConfigurationException(
                    "No Redis to listen to: set quarkus.redis.hosts (QUARKUS_REDIS_HOSTS), as in redis://localhost:6379");
        }
        this.redis = redis;
        this.vertx = vertx;
        this.config = config;
        this.interrupted = interrupted;
        // One context for all that follows, whichever thread asks for it.
        this.context = vertx.getOrCreateContext();
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
     *
     * @param maxPayload payloads with more bytes are left out of the publication
     */
    public Multi<Publication> publications(Collection<String> prefixes, int maxPayload) {
        List<String> patterns = prefixes.stream().map(prefix -> prefix + ":*").toList();
        return Multi.createFrom()
                .emitter(subscriber -> supervise(patterns, maxPayload, subscriber), BackPressureStrategy.DROP);
    }

    /** Whether Redis has acknowledged the subscription and its link has not ended since. */
    public boolean live() {
        Supervisor current = supervisor;
        return current != null && current.live();
    }

    @Override
    public void pause() {
        context.runOnContext(x -> pause(true));
    }

    @Override
    public void resume() {
        context.runOnContext(x -> pause(false));
    }

    @Override
    public void execute(Runnable task) {
        context.runOnContext(x -> task.run());
    }

    @Override
    public void execute(Runnable task, Duration delay) {
        vertx.setTimer(delay.toMillis(), fired -> execute(task));
    }

    private void pause(boolean paused) {
        Supervisor current = supervisor;
        if (current != null) {
            current.pause(paused);
        }
    }

    private void supervise(List<String> patterns, int maxPayload, MultiEmitter<? super Publication> subscriber) {
        Supervisor supervised = new Supervisor(
                events -> RedisLink.open(
                        initializer -> redis.create(vertx, initializer), patterns, maxPayload, context, events),
                subscriber::emit,
                () -> interrupted.fire(new Interrupted()),
                backoff(),
                config.connectTimeout(),
                (delay, action) -> {
                    long id = vertx.setTimer(delay.toMillis(), fired -> execute(action));
                    return () -> vertx.cancelTimer(id);
                });
        supervisor = supervised;
        subscriber.onTermination(() -> execute(supervised::stop));
        execute(supervised::start);
    }

    private Backoff backoff() {
        return new Backoff(
                config.backoff().initial(),
                config.backoff().max(),
                () -> ThreadLocalRandom.current().nextLong());
    }
}
