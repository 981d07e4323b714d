package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.redis.ClusterTopology;
import dev.sluice.redis.ClusterTopology.Master;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class NodeChoiceTest {

    private final NodeChoice choice = new NodeChoice();

    @Test
    void nodeIsKeptUntilItFails() {
        assertThat(chosen("c", "b", "d")).isEqualTo("b");
        assertThat(chosen("a", "b", "c")).isEqualTo("b");
        choice.failed();
        assertThat(chosen("a", "b", "c")).isEqualTo("c");
        choice.failed();
        assertThat(chosen("a", "b", "c")).isEqualTo("a");
    }

    @Test
    void nodeThatIsNoMasterAnyMoreIsReplaced() {
        assertThat(chosen("a", "b")).isEqualTo("a");
        assertThat(chosen("b", "c")).isEqualTo("b");
        choice.failed();
        assertThat(chosen("b")).isEqualTo("b");
    }

    private String chosen(String... ids) {
        return choice.choose(new ClusterTopology(Arrays.stream(ids)
                        .map(id -> new Master(id, "127.0.0.1", 1, List.of()))
                        .toList()))
                .id();
    }
}
