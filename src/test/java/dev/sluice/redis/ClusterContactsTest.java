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
    void nodeWithoutSlotsDoesNotCountItself() {
        ClusterContacts replica = ClusterContacts.of(REPLY.replace("myself,master", "myself,slave"));
        assertThat(replica.counts()).isFalse();
        assertThat(replica.quorum()).isEqualTo(2);
        assertThat(replica.hasQuorum()).isFalse();
    }

    @Test
    void halfIsNoMajority() {
        String two = "a1 :1@11 myself,master - 0 0 1 connected 0-9\nb2 :2@12 master,fail - 0 5 2 connected 10-16383\n";
        assertThat(ClusterContacts.of(two).hasQuorum()).isFalse();
        assertThat(ClusterContacts.of(two.replace("master,fail", "master")).hasQuorum())
                .isTrue();
    }

    @Test
    void onlyMasterIsTheMajority() {
        assertThat(ClusterContacts.of("a1 :1@11 myself,master - 0 0 1 connected 0-16383")
                        .hasQuorum())
                .isTrue();
        assertThat(ClusterContacts.of("").hasQuorum()).isTrue();
    }
}
