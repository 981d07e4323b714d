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
 * How many connections one address may have. Counts TCP connections from accept on, whatever they are used for. Where a
 * proxy is trusted all of them are the proxy's: then it counts nothing, and {@link ConnectionSlots} counts WebSockets by the address
 * that the proxy forwards. For use by all threads.
 */
@Startup
@Singleton
final class AddressLimit {

    private static final AttributeKey<Boolean> EXCESS = AttributeKey.valueOf("sluice.excess");

    /** At least so many are told why they are refused before more are closed without an answer. */
    private static final int MIN_SPARE = 10;

    private static final int UNLIMITED = Integer.MAX_VALUE;

    private final int max;
    private final boolean proxied;
    private final LimitMeter refused;

    /** As large as the number of TCP connections at most; used only where there is a limit. */
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

    /** How many WebSockets an address may have that a proxy forwards; as many as it likes where TCP connections count. */
    int webSockets() {
        return proxied ? max : UNLIMITED;
    }

    /** Whether an accepted connection may stay. Requests on those above the limit are to be {@link #refuses refused}. */
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

    /** Whether a request on that connection is to be refused, as it is above the limit; counts it. */
    boolean refuses(@Nullable Channel connection) {
        boolean excess = connection != null && connection.hasAttr(EXCESS);
        if (excess) {
            refused.exceeded();
        }
        return excess;
    }

    /** No connection is counted. */
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
