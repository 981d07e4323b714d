package dev.sluice.guard;

import dev.sluice.config.SluiceConfig;
import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.SocketAddress;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Limits the number of WebSockets, in total and per forwarded address. An upgrade takes a slot when it starts, so that
 * simultaneous upgrades can't exceed the limit. Unauthenticated connections have two limits of the same size: one for
 * those without a token, one for those whose token is being verified. Above such a limit the oldest connection of that
 * state is evicted, so that idle connections can't keep new ones out. An upgrade that finds no slot is refused, but
 * evicts the oldest connection that has sent no token for a second. Thread-safe.
 */
@Startup
@Singleton
public final class ConnectionSlots {

    /**
     * How long a connection without a token keeps its slot when all slots are taken: the time to send an auth message.
     */
    private static final Duration GRACE = Duration.ofSeconds(1);

    private final int maxConnections;
    private final Duration grace;
    private final int maxPerAddress;
    private final LimitMeter connections;
    private final LimitMeter unauthenticated;
    private final LimitMeter perAddress;

    private final AtomicInteger taken = new AtomicInteger();
    private final Undecided silent;
    private final Undecided verifying;

    /** At most one entry per taken slot; empty without a limit per address. */
    private final Map<String, Integer> byAddress = new ConcurrentHashMap<>();

    /** The limit that is exhausted. */
    public enum Full {
        /** The pod is full. */
        POD(503),
        /** The address has reached its limit. */
        ADDRESS(429);

        private final int status;

        Full(int status) {
            this.status = status;
        }

        /** The HTTP status of the refusal. */
        public int status() {
            return status;
        }
    }

    @Inject
    public ConnectionSlots(SluiceConfig config, AddressLimit addresses, MeterRegistry metrics) {
        this(config.limits().connections(), config.limits().unauthenticated(), addresses.webSockets(), metrics);
    }

    public ConnectionSlots(int maxConnections, int maxUnauthenticated, int maxPerAddress, MeterRegistry metrics) {
        this(maxConnections, maxUnauthenticated, maxPerAddress, GRACE, metrics);
    }

    public ConnectionSlots(
            int maxConnections, int maxUnauthenticated, int maxPerAddress, Duration grace, MeterRegistry metrics) {
        this.maxConnections = maxConnections;
        this.grace = grace;
        this.silent = new Undecided(Slot.State.SILENT, maxUnauthenticated);
        this.verifying = new Undecided(Slot.State.VERIFYING, maxUnauthenticated);
        this.maxPerAddress = maxPerAddress;
        this.connections = new LimitMeter("connections", metrics);
        this.unauthenticated = new LimitMeter("unauthenticated", metrics);
        this.perAddress = new LimitMeter("connections-per-address", metrics);
    }

    /** Returns and counts the limit that prevents a slot for the request; {@code null} if there may be a slot. */
    @Nullable
    Full full(HttpServerRequest request) {
        if (taken.get() >= maxConnections) {
            return podFull();
        }
        String address = address(request);
        return address != null && byAddress.getOrDefault(address, 0) >= maxPerAddress ? counted(Full.ADDRESS) : null;
    }

    /** Returns the address by which the request is counted; {@code null} without a limit per address. */
    @Nullable
    public String address(HttpServerRequest request) {
        SocketAddress remote = maxPerAddress == Integer.MAX_VALUE ? null : request.remoteAddress();
        String host = remote == null ? null : remote.hostAddress();
        if (host == null && remote != null) {
            host = remote.host();
        }
        return host == null ? null : AddressGroup.of(host);
    }

    /**
     * Takes a slot in the state {@code SILENT} or {@code VERIFYING}. If there is none, returns and counts the exhausted
     * limit.
     */
    @Nullable
    Full take(Slot slot, @Nullable String address, Slot.State state) {
        if (!up(taken, maxConnections)) {
            return podFull();
        }
        if (address != null && byAddress.merge(address, 1, Integer::sum) > maxPerAddress) {
            leave(address);
            return counted(Full.ADDRESS);
        }
        add(state == Slot.State.VERIFYING ? verifying : silent, slot);
        return null;
    }

    /** Moves a slot from {@code SILENT} to {@code VERIFYING}. */
    void verifying(Slot slot) {
        silent.remove(slot);
        add(verifying, slot);
    }

    /** Removes the slot from the unauthenticated ones. */
    void decided(Slot slot) {
        silent.remove(slot);
        verifying.remove(slot);
    }

    private void add(Undecided kind, Slot slot) {
        Slot oldest = kind.add(slot);
        if (oldest != null) {
            unauthenticated.exceeded();
            oldest.evict(kind.state);
        }
    }

    /**
     * Counts a refusal for lack of slots, and evicts the oldest silent connection to make room for the next upgrade.
     */
    private Full podFull() {
        Slot oldest = silent.removeOldest(grace);
        if (oldest != null) {
            unauthenticated.exceeded();
            oldest.evict(Slot.State.SILENT);
        }
        return counted(Full.POD);
    }

    /** Frees a slot, whose state must be {@code DECIDED}. */
    public void leave(@Nullable String address) {
        taken.decrementAndGet();
        if (address != null) {
            byAddress.computeIfPresent(address, (same, count) -> count == 1 ? null : count - 1);
        }
    }

    /** Whether nothing is counted, as must be true once all connections have ended. */
    boolean isEmpty() {
        return taken.get() == 0 && silent.isEmpty() && verifying.isEmpty() && byAddress.isEmpty();
    }

    private Full counted(Full why) {
        switch (why) {
            case POD -> connections.exceeded();
            case ADDRESS -> perAddress.exceeded();
        }
        return why;
    }

    /** The slots in one state, in the order in which they entered it. Each operation takes constant time. */
    private static final class Undecided {

        private final Slot.State state;
        private final int max;
        /** The time at which each slot was added ({@link System#nanoTime}). */
        private final Map<Slot, Long> slots = new LinkedHashMap<>();

        Undecided(Slot.State state, int max) {
            this.state = state;
            this.max = max;
        }

        /** Adds the slot; if there are too many, removes and returns the oldest. */
        synchronized @Nullable Slot add(Slot slot) {
            slots.put(slot, System.nanoTime());
            return slots.size() <= max ? null : removeOldest(Duration.ZERO);
        }

        /** Removes and returns the oldest slot if it is at least of this age. */
        synchronized @Nullable Slot removeOldest(Duration age) {
            Iterator<Map.Entry<Slot, Long>> inOrder = slots.entrySet().iterator();
            if (!inOrder.hasNext()) {
                return null;
            }
            Map.Entry<Slot, Long> oldest = inOrder.next();
            if (System.nanoTime() - oldest.getValue() < age.toNanos()) {
                return null;
            }
            inOrder.remove();
            return oldest.getKey();
        }

        synchronized void remove(Slot slot) {
            slots.remove(slot);
        }

        synchronized boolean isEmpty() {
            return slots.isEmpty();
        }
    }

    private static boolean up(AtomicInteger counter, int max) {
        return counter.getAndUpdate(before -> before < max ? before + 1 : before) < max;
    }
}
