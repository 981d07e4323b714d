package dev.sluice.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.redis.ClusterContacts.Other;
import org.junit.jupiter.api.Test;

class ClusterContactsTest {

    /** The form of Redis 7, with host names and slots that are moving. */
    private static final String REPLY = """
            a1 127.0.0.1:1@11,one myself,master - 0 1764518000000 1 connected 0-5460 [93-<-b2]
            b2 127.0.0.1:2@12,two master - 0 1764518001000 2 connected 5461-10922
            c3 127.0.0.1:3@13 master,fail? - 1764518000500 1764517990000 3 connected 10923-16382 16383
            d4 127.0.0.1:4@14 slave,fail b2 0 1764518001000 2 connected
            e5 127.0.0.1:5@15 master - 0 1764518001000 5 connected
            """;

    @Test
    void mastersWithSlotsCount() {
        ClusterContacts contacts = ClusterContacts.of(REPLY);
        assertThat(contacts.counts()).isTrue();
        assertThat(contacts.nodes()).isEqualTo(5);
        assertThat(contacts.others())
                .containsExactly(new Other("b2", true, 1_764_518_001_000L), new Other("c3", false, 1_764_517_990_000L));
        assertThat(contacts.quorum()).isEqualTo(1);
        assertThat(contacts.hasQuorum()).isTrue();
    }

    @Test
    void minorityHasNoQuorum() {
        assertThat(ClusterContacts.of(REPLY.replace("two master", "two master,fail"))
                        .hasQuorum())
                .isFalse();
    }

    @Test
    void masterWithoutAReadableTimeIsNotReached() {
        ClusterContacts odd = ClusterContacts.of(REPLY.replace("1764518001000 2 connected 5461", "? 2 connected 5461"));
        assertThat(odd.others()).extracting(Other::reached).containsExactly(false, false);
        assertThat(odd.hasQuorum()).isFalse();
    }

    @Test
    void nodeWithoutSlotsDoesNotCountItself() {
        ClusterContacts replica = ClusterContacts.of(REPLY.replace("myself,master", "myself,slave"));
        assertThat(replica.counts()).isFalse();
        assertThat(replica.quorum()).isEqualTo(1);
    }

    @Test
    void halfOfTheMastersReplacesNone() {
        assertThat(reached("a", 0, 1)).isTrue();
        assertThat(reached("a", 1, 2)).isTrue();
        assertThat(reached("a", 0, 3)).isFalse();
        assertThat(reached("a", 0, 2)).isFalse();
        assertThat(reached("a", 1, 3)).isFalse();
    }

    @Test
    void nodeWithoutSlotsMustReachHalfOfTheMasters() {
        assertThat(reached("", 1, 1)).isTrue();
        assertThat(reached("", 0, 2)).isFalse();
        assertThat(reached("", 1, 2)).isFalse();
        assertThat(reached("", 2, 2)).isTrue();
    }

    /** Returns whether a node has a quorum that reaches and does not reach so many other masters. */
    private static boolean reached(String own, int reached, int failed) {
        StringBuilder nodes = new StringBuilder(
                        "a :1@11 myself," + (own.isEmpty() ? "slave" : "master") + " - 0 0 1 connected")
                .append(own.isEmpty() ? "" : " 0-9")
                .append('\n');
        for (int i = 0; i < reached + failed; i++) {
            nodes.append(
                    "b" + i + " :2@12 master" + (i < reached ? "" : ",fail") + " - 0 5 2 connected " + (10 + i) + "\n");
        }
        return ClusterContacts.of(nodes.toString()).hasQuorum();
    }

    @Test
    void onlyMasterIsTheMajority() {
        assertThat(ClusterContacts.of("a1 :1@11 myself,master - 0 0 1 connected 0-16383")
                        .hasQuorum())
                .isTrue();
        assertThat(ClusterContacts.of("").hasQuorum()).isTrue();
    }
}
