package dev.sluice.feed;

import dev.sluice.config.CanaryConfig;
import dev.sluice.config.FeedConfig;
import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.Source;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.netty.channel.ChannelPipeline;
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
import java.time.InstantSource;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * What Redis publishes on the wanted patterns, as a stream that never ends by itself, and whether its link is live.
 * What happens to a publication is not its business.
 */
@Singleton
public final class Feed implements Source {

    /** The channel of messages between pods. Every client with the right to publish on it can forge them. */
    public static final String CONTROL = "sluice:control";

    /** The named Redis client whose configuration the subscription uses. */
    static final String CLIENT = "feed";

    private static final Logger LOG = Logger.getLogger(Feed.class);

    private final FeedRedis redis;
    private final Vertx vertx;
    private final FeedConfig config;
    private final Supervisor.Timing timing;
    private final Event<Gap> gaps;
    private final Event<PodMessage> messages;
    private final Context context;
    private final Timer beats;
    private final Map<PathProof.Renewal, Counter> renewals = new EnumMap<>(PathProof.Renewal.class);
    private final Counter interruptions;
    private volatile @Nullable Supervisor supervisor;

    Feed(
            @RedisClientName(CLIENT) InjectableInstance<Redis> configured,
            FeedRedis redis,
            Vertx vertx,
            SluiceConfig config,
            Event<Gap> gaps,
            Event<PodMessage> messages,
            MeterRegistry metrics) {
        if (!configured.getHandle().getBean().isActive()) {
            throw new ConfigurationException(
                    "No Redis to listen to: set quarkus.redis.hosts (QUARKUS_REDIS_HOSTS), as in"
                            + " redis://localhost:6379");
        }
        this.redis = redis;
        this.vertx = vertx;
        this.config = config.feed();
        CanaryConfig canary = config.canary();
        this.timing = new Supervisor.Timing(
                this.config.connectTimeout(), canary.interval(), canary.missedBeats(), canary.reconnect());
        this.gaps = gaps;
        this.messages = messages;
        // One context for all that follows, whichever thread asks for it.
        this.context = vertx.getOrCreateContext();
        this.beats = Timer.builder("sluice.canary.latency")
                .description("From the publication of a beat until the feed hears it")
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofNanos(100_000))
                .maximumExpectedValue(Duration.ofSeconds(10))
                .register(metrics);
        for (PathProof.Renewal outcome : PathProof.Renewal.values()) {
            renewals.put(
                    outcome,
                    Counter.builder("sluice.canary.reconnects")
                            .description("New connections that publish beats, and whether those were heard")
                            .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
                            .register(metrics));
        }
        this.interruptions = Counter.builder("sluice.feed.gaps")
                .description("Stretches of time in which publications may have been missed")
                .register(metrics);
        Gauge.builder("sluice.feed.live", this, feed -> feed.live() ? 1 : 0)
                .description("1 while the subscription to Redis is live")
                .register(metrics);
    }

    /**
     * Publications on every channel that starts with one of the prefixes and a colon, in the order Redis sent them. An
     * item is what one read from Redis brought, at least one publication. The stream neither completes nor fails; an
     * interruption of the link is survived inside. Items come on the event loop that reads Redis and are dropped while the
     * subscriber has requested none. Each subscriber makes a subscription of its own, and {@link #live} speaks of the
     * last: there should be one.
     *
     * @param maxPayload in bytes; larger payloads are left out of the publication
     */
    public Multi<List<Publication>> batches(Collection<String> prefixes, int maxPayload) {
        List<String> patterns = prefixes.stream().map(prefix -> prefix + ":*").toList();
        return Multi.createFrom()
                .emitter(subscriber -> supervise(patterns, maxPayload, subscriber), BackPressureStrategy.DROP);
    }

    /** Whether what is published is heard: beats come back. */
    public boolean live() {
        Supervisor current = supervisor;
        return current != null && current.live();
    }

    /** The gap that lasts, from the start until the feed is live for the first time; {@code null} while it is live. */
    public @Nullable Gap gap() {
        Supervisor current = supervisor;
        return current == null ? null : current.gap();
    }

    /** Why it is not live, for people; {@code null} while it is, and until the first attempt has failed. */
    public @Nullable String reason() {
        Supervisor current = supervisor;
        return current == null ? null : current.reason();
    }

    /** Where the Redis is that it listens to, for people: no user, no password. */
    public String redis() {
        return redis.endpoints();
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

    private void supervise(List<String> patterns, int maxPayload, MultiEmitter<? super List<Publication>> subscriber) {
        RedisSubscription.Clients clients = new RedisSubscription.Clients() {
            @Override
            public Redis subscriber(Consumer<ChannelPipeline> initializer) {
                return redis.subscriber(vertx, initializer);
            }

            @Override
            public Redis publisher() {
                return redis.publisher(vertx);
            }
        };
        Supervisor supervised = new Supervisor(
                events -> RedisSubscription.open(clients, patterns, maxPayload, context, events),
                new Teller(subscriber),
                backoff(),
                timing,
                (delay, action) -> {
                    long id = vertx.setTimer(delay.toMillis(), fired -> execute(action));
                    return () -> vertx.cancelTimer(id);
                },
                System::nanoTime,
                InstantSource.system());
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

    private final class Teller implements Supervisor.Listener {
        private final MultiEmitter<? super List<Publication>> subscriber;

        Teller(MultiEmitter<? super List<Publication>> subscriber) {
            this.subscriber = subscriber;
        }

        @Override
        public void published(List<Publication> batch) {
            subscriber.emit(batch);
        }

        @Override
        public void beat(Duration latency) {
            beats.record(latency);
        }

        @Override
        public void renewal(PathProof.Renewal outcome) {
            Objects.requireNonNull(renewals.get(outcome)).increment();
        }

        @Override
        public void said(PodMessage message) {
            try {
                messages.fire(message);
            } catch (RuntimeException e) {
                // The supervisor must go on.
                LOG.error("What was published on the pods' own channel could not be told", e);
            }
        }

        @Override
        public void gap(Gap gap) {
            if (gap.open()) {
                interruptions.increment();
            }
            try {
                gaps.fire(gap);
            } catch (RuntimeException e) {
                // The supervisor must go on.
                LOG.error("The news of a gap could not be told", e);
            }
        }
    }
}
