package dev.sluice.guard;

import dev.sluice.config.SluiceConfig;
import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import io.quarkus.runtime.Startup;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;

/**
 * Limits the number of TCP connections from one address, counted from accept on. Behind a trusted proxy all connections
 * come from the proxy; then this class counts nothing, and {@link ConnectionSlots} counts WebSockets by the forwarded
 * address. Thread-safe.
 */
@Startup
@Singleton
final class AddressLimit {

    private static final AttributeKey<Boolean> EXCESS = AttributeKey.valueOf("sluice.excess");

    /** The minimum number of excess connections that get a 429 response; further ones are closed without a response. */
    private static final int MIN_SPARE = 10;

    private static final int UNLIMITED = Integer.MAX_VALUE;

    private final int max;
    private final boolean proxied;
    private final LimitMeter refused;

    /** At most one entry per TCP connection; empty without a limit. */
    private final Map<String, Integer> byAddress = new ConcurrentHashMap<>();

    @Inject
    AddressLimit(
            SluiceConfig config,
            @ConfigProperty(name = "quarkus.http.proxy.proxy-address-forwarding", defaultValue = "false")
                    boolean forwarding,
            @ConfigProperty(name = "quarkus.http.proxy.use-proxy-protocol", defaultValue = "false")
                    boolean proxyProtocol,
            MeterRegistry metrics) {
        this(config.limits().connectionsPerAddress(), forwarding || proxyProtocol, metrics);
    }

    AddressLimit(OptionalInt max, boolean proxied, MeterRegistry metrics) {
        this.max = max.orElse(UNLIMITED);
        this.proxied = proxied;
        this.refused = new LimitMeter("connections-per-address", metrics);
    }

    /**
     * Returns the maximum number of WebSockets per forwarded address; unlimited if this class counts TCP connections.
     */
    int webSockets() {
        return proxied ? max : UNLIMITED;
    }

    /**
     * Whether an accepted connection may stay open. The caller must {@link #refuses refuse} requests on connections
     * above the limit.
     */
    boolean admits(Channel accepted) {
        String address = proxied || max == UNLIMITED ? null : address(accepted);
        if (address == null) {
            return true;
        }
        int count = byAddress.merge(address, 1, Integer::sum);
        if (count > max + Math.max(MIN_SPARE, max / 5L)) {
            leave(address);
            refused.exceeded();
            return false;
        }
        if (count > max) {
            accepted.attr(EXCESS).set(true);
        }
        accepted.closeFuture().addListener(closed -> leave(address));
        return true;
    }

    /**
     * Whether a request on this connection must be refused because the connection is above the limit; if so, counts the
     * refusal.
     */
    boolean refuses(@Nullable Channel connection) {
        boolean excess = connection != null && connection.hasAttr(EXCESS);
        if (excess) {
            refused.exceeded();
        }
        return excess;
    }

    boolean isEmpty() {
        return byAddress.isEmpty();
    }

    private void leave(String address) {
        byAddress.computeIfPresent(address, (same, count) -> count == 1 ? null : count - 1);
    }

    private static @Nullable String address(Channel channel) {
        return channel.remoteAddress() instanceof InetSocketAddress remote && remote.getAddress() != null
                ? AddressGroup.of(remote.getAddress())
                : null;
    }
}
