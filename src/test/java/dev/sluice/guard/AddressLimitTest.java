package dev.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

// Closing an embedded channel ends at once.
@SuppressWarnings("FutureReturnValueIgnored")
class AddressLimitTest {

    private static final int MAX = 3;
    private static final int SPARE = 10;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

    private static final class Connection extends EmbeddedChannel {

        private final SocketAddress peer;

        Connection(String address) {
            this.peer = new InetSocketAddress(address, 1);
        }

        @Override
        protected SocketAddress remoteAddress0() {
            return peer;
        }
    }

    @Test
    void connectionsFarAboveTheLimitAreNotAdmitted() {
        AddressLimit limit = new AddressLimit(OptionalInt.of(MAX), false, metrics);
        List<Connection> open = new ArrayList<>();
        for (int i = 0; i < MAX + SPARE; i++) {
            open.add(new Connection("192.0.2.1"));
            assertThat(limit.admits(open.get(i))).isTrue();
        }
        assertThat(limit.admits(new Connection("192.0.2.1"))).isFalse();
        assertThat(refused()).isEqualTo(1);
        assertThat(limit.admits(new Connection("192.0.2.2"))).isTrue();
        open.get(0).close();
        assertThat(limit.admits(new Connection("192.0.2.1"))).isTrue();
    }

    @Test
    void ipv6NetworkCountsAsOneAddress() {
        AddressLimit limit = new AddressLimit(OptionalInt.of(MAX), false, metrics);
        for (int i = 0; i < MAX + SPARE; i++) {
            assertThat(limit.admits(new Connection("2001:db8::" + i))).isTrue();
        }
        assertThat(limit.admits(new Connection("2001:db8::ffff"))).isFalse();
        assertThat(limit.admits(new Connection("2001:db8:0:1::1"))).isTrue();
    }

    @Test
    void closedConnectionsAreNotCounted() {
        AddressLimit limit = new AddressLimit(OptionalInt.of(MAX), false, metrics);
        Connection connection = new Connection("192.0.2.1");
        limit.admits(connection);
        assertThat(limit.isEmpty()).isFalse();
        connection.close();
        assertThat(limit.isEmpty()).isTrue();
    }

    @Test
    void connectionsOfATrustedProxyAreNotCounted() {
        AddressLimit limit = new AddressLimit(OptionalInt.of(1), true, metrics);
        for (int i = 0; i < 100; i++) {
            assertThat(limit.admits(new Connection("192.0.2.1"))).isTrue();
        }
        assertThat(limit.isEmpty()).isTrue();
        assertThat(limit.webSockets()).isEqualTo(1);
    }

    @Test
    void withoutALimitNoConnectionIsCounted() {
        AddressLimit limit = new AddressLimit(OptionalInt.empty(), false, metrics);
        assertThat(limit.admits(new Connection("192.0.2.1"))).isTrue();
        assertThat(limit.isEmpty()).isTrue();
    }

    private double refused() {
        return metrics.get("sluice.refused")
                .tag("limit", "connections-per-address")
                .counter()
                .count();
    }
}
