package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** After a failover, the pod hears the new master, and its clients got a gap. */
@Tag("chaos")
@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#feedsOfOwnPods")
class SentinelIT {

    private final PodVariant variant;

    /** Of the notifications of the route result, and, where channels are heard by pattern, of the routes upload and user. */
    private final int patterns;

    SentinelIT(PodVariant variant) {
        this.variant = variant;
        this.patterns = variant == PodVariant.EXACT ? 1 : 3;
    }

    @AutoClose
    private Redis master;

    @AutoClose
    private Redis replica;

    @AutoClose
    private Redis sentinel;

    @AutoClose
    private Pod pod;

    @BeforeEach
    void start() {
        master = Redis.withOptions("--notify-keyspace-events", "Kt");
        replica = Redis.replicaOf(master);
        sentinel = Redis.sentinelOf(master, "mymaster");
        pod = Pod.ready(
                sentinel,
                variant.with(Map.of(
                        "quarkus.redis.client-type", "sentinel",
                        "quarkus.redis.master-name", "mymaster",
                        "quarkus.redis.role", "master",
                        "sluice.routes.result.audience", "subscribers",
                        "sluice.routes.result.access", "open",
                        "sluice.routes.result.source", "stream")));
    }

    @Test
    void killedMasterIsReplaced() {
        // A stream that was empty until shortly before the failover gets a gap.
        master.reply("XADD", "result:1", "*", "data", "zero");
        try (Client client = Client.of(pod, "7");
                Client stream = Client.of(pod, "8")) {
            stream.send("{\"action\":\"subscribe\",\"channel\":\"result:1\"}");
            assertThat(stream.next()).contains("\"subscribed\"");
            master.publish("user:7", "old master");
            assertThat(client.next()).isEqualTo("old master");
            master.reply("XADD", "result:1", "*", "data", "one");
            assertThat(stream.next()).isEqualTo("one");
            master.reply("WAIT", "1", "10000");
            master.kill();
            await("failover").until(() -> replica.isMaster());
            replica.reply("XADD", "result:1", "*", "data", "two");
            assertHearsTheNewMaster(client);
            assertThat(stream.next()).isEqualTo("two");
            replica.reply("XADD", "result:1", "*", "data", "three");
            assertThat(stream.next()).isEqualTo("three");
            assertThat(pod.metric("sluice_streams_gaps_total")).isZero();
        }
    }

    @Tag("long")
    @Test
    void frozenMasterIsReplacedForGood() {
        try (Client client = Client.of(pod, "7")) {
            master.freeze();
            assertHearsTheNewMaster(client);
            master.thaw();
            await("demotion").until(() -> !master.isMaster());
            replica.publish("user:7", "still");
            client.awaitMessage("still");
            await("one subscription").until(() -> replica.patterns() == patterns);
        }
    }

    private void assertHearsTheNewMaster(Client client) {
        await("failover").until(() -> replica.isMaster());
        await("hearing again").until(() -> {
            replica.publish("user:7", "new master");
            return client.hasHeard("new master");
        });
        await("ready").until(() -> pod.status("/q/health/ready") == 200);
        assertThat(pod.metric("sluice_feed_gaps_total")).isPositive();
        await("one subscription").until(() -> replica.patterns() == patterns);
    }
}
