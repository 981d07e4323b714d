package dev.sluice.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.redis.ClusterTopology.Master;
import dev.sluice.redis.ClusterTopology.Range;
import io.vertx.core.buffer.Buffer;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.impl.types.BulkType;
import io.vertx.redis.client.impl.types.MultiType;
import io.vertx.redis.client.impl.types.NumberType;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ClusterTopologyTest {

    @Test
    void mastersAreInTheOrderOfTheirIdsWithAllTheirSlots() {
        ClusterTopology topology = ClusterTopology.of(
                list(
                        part(0, 99, node("10.0.0.1", 7000, "b"), node("10.0.0.9", 7000, "replica")),
                        part(100, 199, node("10.0.0.2", 7001, "a")),
                        part(200, 299, node("10.0.0.1", 7000, "b"))),
                "asked");
        assertThat(topology.masters())
                .containsExactly(
                        new Master("a", "10.0.0.2", 7001, List.of(new Range(100, 199))),
                        new Master("b", "10.0.0.1", 7000, List.of(new Range(0, 99), new Range(200, 299))));
        assertThat(topology.of(99)).extracting(Master::id).isEqualTo("b");
        assertThat(topology.of(100)).extracting(Master::id).isEqualTo("a");
        assertThat(topology.of(299)).extracting(Master::id).isEqualTo("b");
        assertThat(topology.of(300)).isNull();
    }

    @Test
    void nodeThatDoesNotKnowItsHostIsAtTheOneThatWasAsked() {
        ClusterTopology topology = ClusterTopology.of(
                list(part(0, 1, node(null, 1, "a")), part(2, 3, node("", 2, "b")), part(4, 5, node("?", 3, "c"))),
                "::1");
        assertThat(topology.masters()).extracting(Master::address).containsExactly("[::1]:1", "[::1]:2", "[::1]:3");
    }

    @Test
    void askedHostMayHaveBrackets() {
        ClusterTopology topology = ClusterTopology.of(list(part(0, 1, node(null, 1, "a"))), "[::1]");
        assertThat(topology.masters()).extracting(Master::address).containsExactly("[::1]:1");
    }

    @Test
    void redirectionNamesANodeAsTheTopologyDoes() {
        assertThat(ClusterTopology.redirection("10.0.0.1:7000", "asked:1")).isEqualTo("10.0.0.1:7000");
        assertThat(ClusterTopology.redirection("::1:7000", "asked:1")).isEqualTo("[::1]:7000");
        assertThat(ClusterTopology.redirection("[::1]:7000", "asked:1")).isEqualTo("[::1]:7000");
        for (String asked : List.of("asked:1", "[::2]:1")) {
            String expected = asked.substring(0, asked.length() - 1) + "7000";
            assertThat(ClusterTopology.redirection(":7000", asked)).isEqualTo(expected);
            assertThat(ClusterTopology.redirection("?:7000", asked)).isEqualTo(expected);
        }
    }

    @Test
    void nodeWithoutAPortForThisKindOfConnectionIsLeftOut() {
        assertThat(ClusterTopology.of(list(part(0, 1, node("10.0.0.1", 0, "a"))), "asked")
                        .masters())
                .isEmpty();
    }

    private static Response part(int first, int last, Response... nodes) {
        MultiType part = MultiType.create(2 + nodes.length, false);
        part.add(NumberType.create((long) first));
        part.add(NumberType.create((long) last));
        for (Response node : nodes) {
            part.add(node);
        }
        return part;
    }

    private static Response node(@Nullable String host, int port, String id) {
        return list(host == null ? null : bulk(host), NumberType.create((long) port), bulk(id));
    }

    private static Response bulk(String text) {
        return BulkType.create(Buffer.buffer(text), false);
    }

    private static Response list(@Nullable Response... parts) {
        MultiType list = MultiType.create(parts.length, false);
        for (Response part : parts) {
            list.add(part);
        }
        return list;
    }
}
