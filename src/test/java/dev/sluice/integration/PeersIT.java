package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.TcpProxy;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** A connection ends once, with the right reason, however its client leaves. */
@Order(2)
@Tag("chaos")
@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#wiresOfOwnPods")
class PeersIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final Map<PodVariant, Pod> PODS = new EnumMap<>(PodVariant.class);

    private final PodVariant variant;
    private final Pod pod;
    private double ended;

    PeersIT(PodVariant variant) {
        this.variant = variant;
        pod = PODS.computeIfAbsent(
                variant,
                x -> Pod.ready(
                        STAGE.redis(),
                        variant.with(Map.of("sluice.heartbeat.interval", "2s", "sluice.auth.timeout", "60s"))));
    }

    @AfterAll
    static void stop() {
        PODS.values().forEach(Pod::close);
        PODS.clear();
    }

    @BeforeEach
    void awaitNobody() {
        pod.awaitMetric("sluice_users", 0);
        ended = pod.disconnects();
    }

    @Test
    void silentClientIsDisconnected() {
        double silentBefore = pod.disconnects("peer_silent");
        try (Client alive = Client.of(pod, "7");
                RawClient silent = RawClient.of(pod, "8")) {
            pod.awaitDisconnects("peer_silent", silentBefore + 1);
            assertThat(silent.closeCode()).isEqualTo(1011);
            assertThat(alive.isOpen()).isTrue();
            STAGE.redis().publish("user:7", "hello");
            alive.awaitMessage("hello");
            pod.awaitDisconnects(ended + 1);
        }
    }

    @Test
    void vanishedClientIsDisconnected() {
        double silentBefore = pod.disconnects("peer_silent");
        try (TcpProxy network = new TcpProxy(pod.port());
                RawClient vanished = RawClient.of(network.port(), "8")) {
            network.swallow();
            STAGE.redis().publish("user:8", "no client receives this");
            pod.awaitDisconnects("peer_silent", silentBefore + 1);
            pod.awaitMetric("sluice_users", 0);
            pod.awaitDisconnects(ended + 1);
            assertThat(vanished.isGone()).as("the client does not notice").isFalse();
        }
    }

    @Test
    void resetAndEndWithoutCloseFrameAreDistinguished() {
        // A kernel resets a connection that is closed with a ping unread, which this pod seldom sends.
        Pod calm = STAGE.pod(variant);
        calm.awaitMetric("sluice_users", 0);
        double before = calm.disconnects();
        double reset = calm.disconnects("connection_reset");
        double lost = calm.disconnects("connection_lost");
        double closed = calm.disconnects("client_closed");
        RawClient.of(calm, "7").reset();
        calm.awaitDisconnects("connection_reset", reset + 1);
        RawClient.of(calm, "7").end();
        calm.awaitDisconnects("connection_lost", lost + 1);
        Client.of(calm, "7").leave();
        calm.awaitDisconnects("client_closed", closed + 1);
        calm.awaitDisconnects(before + 3);
        calm.awaitMetric("sluice_users", 0);
    }

    @Test
    void heartbeatsGoToAuthenticatedClients() {
        try (Client client = Client.of(pod, "7");
                Client silent = Client.connect(pod.webSocket("/ws"))) {
            for (int i = 0; i < 3; i++) {
                client.nextPing();
                client.send("{\"action\":\"pong\"}");
            }
            // The first message is not a ping.
            silent.authenticate("nonsense");
            assertThat(silent.next()).contains("auth_error");
            assertThat(silent.hasHeardPing()).isFalse();
        }
    }

    @Tag("long")
    @Test
    void oldConnectionsAreClosedByMaxAge() {
        Map<String, String> config = Map.of("sluice.connections.max-age", "1s", "sluice.heartbeat.interval", "500ms");
        try (Pod own = Pod.ready(STAGE.redis(), variant.with(config));
                Client client = Client.of(own, "7")) {
            assertThat(client.closeCode()).isEqualTo(1012);
            own.awaitDisconnects("max_age", 1);
        }
    }
}
