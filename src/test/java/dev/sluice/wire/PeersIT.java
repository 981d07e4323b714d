package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** However a client goes, its connection ends once, and for the reason that it was. */
@Tag("chaos")
@ParameterizedClass
@EnumSource(Way.class)
class PeersIT {

    private final Way way;

    PeersIT(Way way) {
        this.way = way;
    }

    @Test
    void aPeerThatAnswersNoSignOfLifeIsTakenOut() {
        try (Pod pod = Pod.ready(Stage.REDIS, way.with(Map.of("sluice.heartbeat.interval", "1s")));
                Client alive = Client.of(pod, "7");
                RawClient silent = RawClient.of(pod, "8")) {
            pod.awaitDisconnects("peer_silent", 1);
            assertThat(silent.closeCode()).isEqualTo(1011);
            assertThat(alive.isOpen()).isTrue();
            Stage.REDIS.publish("user:7", "hello");
            alive.awaitMessage("hello");
            pod.awaitDisconnects(1);
        }
    }

    @Test
    void aPeerThatHasVanishedIsTakenOutWhateverTcpBelieves() {
        try (Pod pod = Pod.ready(Stage.REDIS, way.with(Map.of("sluice.heartbeat.interval", "200ms")));
                TcpProxy network = new TcpProxy(pod.port());
                RawClient vanished = RawClient.of(network.port(), "8")) {
            network.swallow();
            Stage.REDIS.publish("user:8", "nobody hears this");
            pod.awaitDisconnects("peer_silent", 1);
            await("gone").atMost(30, TimeUnit.SECONDS).until(() -> pod.metric("sluice_users") == 0);
            pod.awaitDisconnects(1);
            assertThat(vanished.isGone()).as("it does not know").isFalse();
        }
    }

    @Test
    void aResetAndAnEndWithoutACloseFrameAreToldApart() {
        try (Pod pod = Pod.ready(Stage.REDIS, way.with(Map.of()))) {
            RawClient.of(pod, "7").reset();
            pod.awaitDisconnects("connection_reset", 1);
            RawClient.of(pod, "7").end();
            pod.awaitDisconnects("connection_lost", 1);
            Client.of(pod, "7").leave();
            pod.awaitDisconnects("client_closed", 1);
            pod.awaitDisconnects(3);
            pod.awaitMetric("sluice_users", 0);
        }
    }

    @Test
    void connectionsAreEvenedOutByAge() {
        Map<String, String> config = Map.of("sluice.connections.max-age", "1s", "sluice.heartbeat.interval", "500ms");
        try (Pod pod = Pod.ready(Stage.REDIS, way.with(config));
                Client client = Client.of(pod, "7")) {
            assertThat(client.closeCode()).isEqualTo(1012);
            pod.awaitDisconnects("max_age", 1);
        }
    }
}
