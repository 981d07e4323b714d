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
 * The room there is for WebSockets: for so many in all, and so many from one address that a proxy forwards. An upgrade takes
 * a slot as soon as it begins, so that many at once can't pass a limit. So many of them may have shown no token yet, and
 * as many may have one that is being verified: one more evicts the oldest of its kind, so that connections that do nothing
 * keep no newer one out. An upgrade that finds every slot taken evicts the oldest silent connection for the next one, if
 * that has been silent for a second. For use by all threads.
 */
@Startup
@Singleton
public final class ConnectionSlots {

    /** For how long a silent connection keeps its slot where there is no other: time to send an auth message. */
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

    /** Used only where there is such a limit; as large as the number of slots taken at most. */
    private final Map<String, Integer> byAddress = new ConcurrentHashMap<>();

    /** Why there is no slot. */
    public enum Full {
        /** The pod is full. */
        EVERYBODY(503),
        /** The address has reached its limit. */
        ADDRESS(429);

        private final int status;

        Full(int status) {
            this.status = status;
        }

        /** The HTTP status that says so. */
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

    /** Why whoever sends the request can't have a slot, counted, or {@code null} where that is not certain. */
    @Nullable
    Full full(HttpServerRequest request) {
        if (taken.get() >= maxConnections) {
            return everybody();
        }
        String address = address(request);
        return address != null && byAddress.getOrDefault(address, 0) >= maxPerAddress ? counted(Full.ADDRESS) : null;
    }

    /** Who it is that sends the request, where that makes a difference. */
    @Nullable
    public String address(HttpServerRequest request) {
        SocketAddress remote = maxPerAddress == Integer.MAX_VALUE ? null : request.remoteAddress();
        String host = remote == null ? null : remote.hostAddress();
        if (host == null && remote != null) {
            host = remote.host();
        }
        return host == null ? null : AddressGroup.of(host);
    }

    /** Takes a slot, which is silent or verifying from now on; returns why there is none, counted. */
    @Nullable
    Full take(Slot slot, @Nullable String address, Slot.State state) {
        if (!up(taken, maxConnections)) {
            return everybody();
        }
        if (address != null && byAddress.merge(address, 1, Integer::sum) > maxPerAddress) {
            leave(address);
            return counted(Full.ADDRESS);
        }
        add(state == Slot.State.VERIFYING ? verifying : silent, slot);
        return null;
    }

    /** A silent slot is verifying from now on. */
    void verifying(Slot slot) {
        silent.remove(slot);
        add(verifying, slot);
    }

    /** A slot is neither any more. */
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

    /** There is no slot left; makes room for the next upgrade where a silent connection has one. */
    private Full everybody() {
        Slot oldest = silent.removeOldest(grace);
        if (oldest != null) {
            unauthenticated.exceeded();
            oldest.evict(Slot.State.SILENT);
        }
        return counted(Full.EVERYBODY);
    }

    /** Gives back a slot, which is decided. */
    void leave(@Nullable String address) {
        taken.decrementAndGet();
        if (address != null) {
            byAddress.computeIfPresent(address, (same, count) -> count == 1 ? null : count - 1);
        }
    }

    /** Nobody is counted: what must be true once everybody has gone. */
    boolean isEmpty() {
        return taken.get() == 0 && silent.isEmpty() && verifying.isEmpty() && byAddress.isEmpty();
    }

    private Full counted(Full why) {
        switch (why) {
            case EVERYBODY -> connections.exceeded();
            case ADDRESS -> perAddress.exceeded();
        }
        return why;
    }

    /** ConnectionSlots of one kind, in the order in which they became that; each operation takes constant time. */
    private static final class Undecided {

        private final Slot.State state;
        private final int max;
        /** Each with when it was added, in nanoseconds of {@link System#nanoTime}. */
        private final Map<Slot, Long> slots = new LinkedHashMap<>();

        Undecided(Slot.State state, int max) {
            this.state = state;
            this.max = max;
        }

        /** Adds the slot; returns the oldest where that makes one too many, which is then removed. */
        synchronized @Nullable Slot add(Slot slot) {
            slots.put(slot, System.nanoTime());
            return slots.size() <= max ? null : removeOldest(Duration.ZERO);
        }

        /** Removes and returns the oldest slot if it has been there for so long. */
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
