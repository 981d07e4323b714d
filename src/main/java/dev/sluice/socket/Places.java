package dev.sluice.socket;

import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.SocketAddress;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The room there is for WebSockets: for so many in all, so many that have not authenticated yet, and so many from one
 * address. Whoever begins an upgrade takes a place, so that many at once can't pass a limit. For use by all threads.
 */
@Startup
@Singleton
final class Places {

    private final int maxConnections;
    private final int maxUnauthenticated;
    private final int maxPerAddress;
    private final LimitMeter connections;
    private final LimitMeter unauthenticated;
    private final LimitMeter perAddress;

    private final AtomicInteger taken = new AtomicInteger();
    private final AtomicInteger strangers = new AtomicInteger();

    /** Used only where there is such a limit; as large as the number of places taken at most. */
    private final Map<String, Integer> byAddress = new ConcurrentHashMap<>();

    /** Why there is no place. */
    enum Full {
        /** For nobody. */
        EVERYBODY(503),
        /** For nobody who has not authenticated yet. */
        STRANGERS(503),
        /** For nobody from that address. */
        ADDRESS(429);

        private final int status;

        Full(int status) {
            this.status = status;
        }

        /** The HTTP status that says so. */
        int status() {
            return status;
        }
    }

    @Inject
    Places(SocketConfig config, MeterRegistry metrics) {
        this(
                config.maxConnections(),
                config.maxUnauthenticated(),
                config.maxPerAddress().orElse(Integer.MAX_VALUE),
                metrics);
    }

    Places(int maxConnections, int maxUnauthenticated, int maxPerAddress, MeterRegistry metrics) {
        atLeastOne("connections", maxConnections);
        atLeastOne("unauthenticated", maxUnauthenticated);
        atLeastOne("connections-per-address", maxPerAddress);
        this.maxConnections = maxConnections;
        this.maxUnauthenticated = maxUnauthenticated;
        this.maxPerAddress = maxPerAddress;
        this.connections = new LimitMeter("connections", metrics);
        this.unauthenticated = new LimitMeter("unauthenticated", metrics);
        this.perAddress = new LimitMeter("connections-per-address", metrics);
    }

    private static void atLeastOne(String limit, int value) {
        if (value < 1) {
            throw new ConfigurationException("sluice.limits." + limit + " must be at least 1, is " + value);
        }
    }

    /** Why whoever sends the request can't have a place, counted, or {@code null} where that is not certain. */
    @Nullable
    Full full(HttpServerRequest request) {
        if (taken.get() >= maxConnections) {
            return counted(Full.EVERYBODY);
        }
        if (strangers.get() >= maxUnauthenticated) {
            return counted(Full.STRANGERS);
        }
        String address = address(request);
        return address != null && byAddress.getOrDefault(address, 0) >= maxPerAddress ? counted(Full.ADDRESS) : null;
    }

    /** Who it is that sends the request, where that makes a difference. */
    @Nullable
    String address(HttpServerRequest request) {
        SocketAddress remote = maxPerAddress == Integer.MAX_VALUE ? null : request.remoteAddress();
        String host = remote == null ? null : remote.hostAddress();
        if (host == null && remote != null) {
            host = remote.host();
        }
        return host == null ? null : AddressGroup.of(host);
    }

    /** Takes a place, as somebody who has not authenticated yet; returns why there is none, counted. */
    @Nullable
    Full take(@Nullable String address) {
        if (!up(taken, maxConnections)) {
            return counted(Full.EVERYBODY);
        }
        if (!up(strangers, maxUnauthenticated)) {
            taken.decrementAndGet();
            return counted(Full.STRANGERS);
        }
        if (address != null && byAddress.merge(address, 1, Integer::sum) > maxPerAddress) {
            leave(address, true);
            return counted(Full.ADDRESS);
        }
        return null;
    }

    /** Somebody with a place has authenticated. */
    void authenticated() {
        strangers.decrementAndGet();
    }

    /** Gives back a place. */
    void leave(@Nullable String address, boolean stranger) {
        if (stranger) {
            strangers.decrementAndGet();
        }
        taken.decrementAndGet();
        if (address != null) {
            byAddress.computeIfPresent(address, (same, count) -> count == 1 ? null : count - 1);
        }
    }

    /** Nobody is counted: what must be true once everybody has gone. */
    boolean isEmpty() {
        return taken.get() == 0 && strangers.get() == 0 && byAddress.isEmpty();
    }

    private Full counted(Full why) {
        switch (why) {
            case EVERYBODY -> connections.exceeded();
            case STRANGERS -> unauthenticated.exceeded();
            case ADDRESS -> perAddress.exceeded();
        }
        return why;
    }

    private static boolean up(AtomicInteger counter, int max) {
        return counter.getAndUpdate(before -> before < max ? before + 1 : before) < max;
    }
}
