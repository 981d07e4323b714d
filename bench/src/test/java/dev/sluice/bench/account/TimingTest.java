package dev.sluice.bench.account;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.account.Books.ClientLog;
import dev.sluice.bench.account.Books.Publications;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Publication {@code n} is sent after {@code n} seconds and heard a millisecond later, unless something else is said. */
class TimingTest {

    private static final String CHANNEL = "upload:1";
    private static final int COUNT = 10;

    private final Publications publications = new Publications();
    private final ClientLog one = new ClientLog("u1", false, Set.of(CHANNEL));
    private final ClientLog two = new ClientLog("u2", false, Set.of(CHANNEL));

    TimingTest() {
        for (int number = 1; number <= COUNT; number++) {
            publications.add(seconds(number));
            publications.acknowledge(number, seconds(number));
        }
    }

    @Test
    void runWithoutAFaultNeedsNoRecovery() {
        hear(one, Set.of());
        hear(two, Set.of());

        assertFalse(timing().disturbed());
    }

    @Test
    void everyClientMustHaveRecovered() {
        hear(one, Set.of(3));
        hear(two, Set.of(3, 4, 6));

        assertTrue(timing().disturbed());
        // The seventh, from the third second on.
        assertEquals(Optional.of(Duration.ofMillis(4001)), timing().recovery());
    }

    @Test
    void earlierLossDoesNotCount() {
        hear(one, Set.of(1));
        hear(two, Set.of(1));

        assertFalse(timing().disturbed());
    }

    @Test
    void latePublicationDoesNotProveRecovery() {
        hear(one, Set.of());
        hear(two, Set.of(5));
        two.connect().heard(CHANNEL, 5, seconds(7));

        assertEquals(Optional.of(Duration.ofMillis(3001)), timing().recovery());
        assertEquals(2.0, timing().latencies().getMaxValue() / 1e9, 0.01);
    }

    @Test
    void silentClientHasNotRecovered() {
        hear(one, Set.of());
        hear(two, Set.of(9, 10));

        assertEquals(Optional.empty(), timing().recovery());
    }

    private static long seconds(int seconds) {
        return Duration.ofSeconds(seconds).toNanos();
    }

    private static void hear(ClientLog client, Set<Integer> lost) {
        ConnectionLog connection = client.connect();
        for (int number = 1; number <= COUNT; number++) {
            if (!lost.contains(number)) {
                connection.heard(
                        CHANNEL, number, seconds(number) + Duration.ofMillis(1).toNanos());
            }
        }
    }

    private Timing timing() {
        return Timing.of(Map.of(CHANNEL, publications), List.of(one, two), seconds(3), seconds(3));
    }
}
