package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.config.FeedConfig.Mode;
import io.quarkus.runtime.configuration.ConfigurationException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClusterSettingsTest {

    private static final String KEYSPACE = "__keyspace@0__:";

    @Test
    void shardedModeNeedsACluster() {
        assertThatThrownBy(() -> ClusterSettings.checkMode(Mode.SHARDED, false))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("sluice.feed.mode is sharded, but quarkus.redis.client-type is not cluster");
        assertThatCode(() -> ClusterSettings.checkMode(Mode.SHARDED, true)).doesNotThrowAnyException();
        assertThatCode(() -> ClusterSettings.checkMode(Mode.EXACT, false)).doesNotThrowAnyException();
    }

    @Test
    void streamsOfAClusterAreRefused() {
        List<String> prefixes = List.of("user", KEYSPACE + "orders");
        assertThatThrownBy(() -> ClusterSettings.checkNoStreams(prefixes, KEYSPACE))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("sluice.routes.orders.source must be pubsub");
        assertThatCode(() -> ClusterSettings.checkNoStreams(List.of("user"), KEYSPACE))
                .doesNotThrowAnyException();
    }
}
