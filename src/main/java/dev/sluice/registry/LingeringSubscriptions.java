package dev.sluice.registry;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import dev.sluice.config.Scope;
import dev.sluice.config.SluiceConfig;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * The subscriptions that users had when their last connection ended, on any pod, for a bounded time and in bounded
 * memory. Each channel of a user has a stamp in milliseconds since 1970: positive for a subscribe, negative for an
 * unsubscribe. Of two stamps the newer one counts, so the order and number of messages between pods do not matter.
 * Thread-safe.
 */
// The class that Caffeine uses for a cache with a maximum weight and age, which Quarkus does not register.
@RegisterForReflection(classNames = "com.github.benmanes.caffeine.cache.SSMWW")
@Singleton
public final class LingeringSubscriptions {

    /** Memory charged for a user, in bytes; it also bounds the number of users. */
    public static final int USER_OVERHEAD = 512;

    /** Memory charged for a channel besides its name, in bytes. */
    public static final int CHANNEL_OVERHEAD = 96;

    /**
     * The kept subscriptions of one user.
     *
     * @param own whether the user was connected to this pod, which answers for it when others ask
     */
    private record Lingering(Map<Channel, Long> stamps, boolean own) {}

    private final Cache<String, Lingering> users;
    private final boolean enabled;
    private final int maxChannels;
    private volatile BiConsumer<String, Map<Channel, Long>> listener = (user, stamps) -> {};

    @Inject
    LingeringSubscriptions(SluiceConfig config, MeterRegistry metrics) {
        this(
                config.subscriptions().linger(),
                config.subscriptions().lingerMaxBytes().asLongValue(),
                config.subscriptions().scope(),
                config.limits().subscriptionsPerUser(),
                Ticker.systemTicker());
        Gauge.builder("sluice.lingering.users", users, Cache::estimatedSize)
                .description("Users whose subscriptions are kept for their next connection")
                .register(metrics);
        Gauge.builder("sluice.lingering.bytes", this, LingeringSubscriptions::bytes)
                .description("Memory charged for subscriptions that are kept for users' next connections")
                .baseUnit("bytes")
                .register(metrics);
    }

    LingeringSubscriptions(Duration linger, long maxBytes, Scope scope, int maxChannels, Ticker ticker) {
        this.enabled = scope == Scope.USER && !linger.isZero();
        this.maxChannels = maxChannels;
        this.users = Caffeine.newBuilder()
                .maximumWeight(maxBytes)
                .weigher(LingeringSubscriptions::weight)
                .expireAfterWrite(linger)
                .ticker(ticker)
                .executor(Runnable::run)
                .build();
    }

    /** Whether subscriptions are kept. */
    public boolean enabled() {
        return enabled;
    }

    /** Sets the listener of changes to users of this pod; it is called on any thread, under locks. */
    public void listen(BiConsumer<String, Map<Channel, Long>> to) {
        listener = to;
    }

    /** Merges the stamps of another pod; returns the subscriptions that are new here. */
    public Map<Channel, Long> merge(String user, Map<Channel, Long> stamps) {
        return merge(user, stamps, false);
    }

    /** Returns the channels to restore on the user's next connection, with their stamps. */
    public Map<Channel, Long> of(String user) {
        Lingering lingering = users.getIfPresent(user);
        return lingering == null ? Map.of() : subscriptions(lingering.stamps());
    }

    /** Returns the newest time of a subscribe or unsubscribe that is kept of the user; 0 if nothing is kept. */
    long newest(String user) {
        Lingering lingering = users.getIfPresent(user);
        return lingering == null
                ? 0
                : lingering.stamps().values().stream()
                        .mapToLong(Math::abs)
                        .max()
                        .orElse(0);
    }

    /** Returns all kept subscriptions of a user who was connected to this pod; empty for users of other pods. */
    public Map<Channel, Long> own(String user) {
        Lingering lingering = users.getIfPresent(user);
        return lingering == null || !lingering.own() ? Map.of() : lingering.stamps();
    }

    /** Keeps the subscriptions of a user whose last connection to this pod has ended. */
    void keep(String user, Map<Channel, Long> stamps) {
        if (enabled && !stamps.isEmpty()) {
            merge(user, stamps, true);
            listener.accept(user, stamps);
        }
    }

    /** Records that the user has unsubscribed; the stamp is negative. */
    void unsubscribed(String user, Channel channel, long stamp, boolean shared) {
        if (!enabled) {
            return;
        }
        Lingering lingering = users.getIfPresent(user);
        if (shared || (lingering != null && lingering.stamps().containsKey(channel))) {
            Map<Channel, Long> stamps = Map.of(channel.compact(), stamp);
            merge(user, stamps, true);
            listener.accept(user, stamps);
        }
    }

    private Map<Channel, Long> merge(String user, Map<Channel, Long> stamps, boolean own) {
        if (!enabled) {
            return Map.of();
        }
        Map<Channel, Long> newer = new HashMap<>();
        users.asMap().compute(user, (name, lingering) -> {
            Map<Channel, Long> merged = lingering == null ? new HashMap<>() : new HashMap<>(lingering.stamps());
            stamps.forEach((channel, stamp) -> {
                Long known = merged.get(channel);
                if (known == null || newer(stamp, known) != known) {
                    merged.put(channel, stamp);
                    newer.put(channel, stamp);
                }
            });
            oldest(merged, merged.size() - maxChannels).forEach(channel -> {
                merged.remove(channel);
                newer.remove(channel);
            });
            // An unchanged entry is not kept for longer.
            return newer.isEmpty() && lingering != null && !own
                    ? lingering
                    : new Lingering(merged, own || (lingering != null && lingering.own()));
        });
        return subscriptions(newer);
    }

    /** Returns the stamp that counts: the newer one, and of two of the same time the unsubscribe. */
    public static long newer(long one, long other) {
        if (Math.abs(one) == Math.abs(other)) {
            return Math.min(one, other);
        }
        return Math.abs(one) > Math.abs(other) ? one : other;
    }

    /** Returns the channels with the oldest stamps; the result is the same on every pod. */
    private static List<Channel> oldest(Map<Channel, Long> stamps, int count) {
        if (count <= 0) {
            return List.of();
        }
        return stamps.entrySet().stream()
                .sorted(Comparator.<Map.Entry<Channel, Long>>comparingLong(entry -> Math.abs(entry.getValue()))
                        .thenComparing(Map.Entry::getKey))
                .limit(count)
                .map(Map.Entry::getKey)
                .toList();
    }

    private static Map<Channel, Long> subscriptions(Map<Channel, Long> stamps) {
        Map<Channel, Long> subscriptions = new HashMap<>(stamps);
        subscriptions.values().removeIf(stamp -> stamp < 0);
        return subscriptions;
    }

    private static int weight(String user, Lingering lingering) {
        long channels = lingering.stamps().keySet().stream()
                .mapToLong(channel -> CHANNEL_OVERHEAD + channel.length())
                .sum();
        return (int) Math.min(Integer.MAX_VALUE, USER_OVERHEAD + 2L * user.length() + channels);
    }

    private long bytes() {
        return users.policy()
                .eviction()
                .map(eviction -> eviction.weightedSize().orElse(0))
                .orElse(0L);
    }
}
