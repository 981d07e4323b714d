package dev.sluice.bench.account;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.account.Books.ClientLog;
import dev.sluice.bench.account.Books.Publications;
import dev.sluice.bench.account.Timing.Absences;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Publication {@code n} is sent after {@code n} seconds and heard a millisecond later, unless something else is said. */
class TimingTest {

    private static final String CHANNEL = "upload:1";
    private static final int COUNT = 10;

    private final Publications publications = new Publications();
    private final ClientLog one = new ClientLog("u1", "V1", false, Set.of(CHANNEL));
    private final ClientLog two = new ClientLog("u2", "V1", false, Set.of(CHANNEL));

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
    void clientsHaveRecoveredIfOnlyTheLastPublicationIsLate() {
        hear(one, Set.of());
        hear(two, Set.of(10));
        two.connect().heard(CHANNEL, 10, seconds(13));

        assertEquals(Optional.of(Duration.ofSeconds(10)), timing().recovery());
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

    @Nested
    class AbsencesTest {

        private static final String UPLOAD = "upload:1";
        private static final String OWN = "user:1";
        private static final String GOING_AWAY = Absences.GOING_AWAY;
        private static final long BEGIN = 100;
        private static final long UNTIL = 9_000;

        private final ClientLog client = new ClientLog("u1", "V1", false, Set.of(UPLOAD, OWN));

        @Test
        void connectedClientIsNotAbsent() {
            connect(10);

            Absences absences = absences(client);

            assertEquals(0, absences.lengths().getTotalCount());
            assertEquals(0, absences.busiestSecond());
            assertEquals(Map.of(), absences.endings());
        }

        @Test
        void absenceLastsUntilAllSubscriptionsAreAnswered() {
            connect(10).end(GOING_AWAY, 1_000);
            ConnectionLog next = client.connect();
            next.subscribed(OWN, 1_100, false, Optional.empty());
            next.subscribed(UPLOAD, 1_200, false, Optional.empty());

            Absences absences = absences(client);

            assertEquals(200, absences.lengths().getMaxValue());
            assertEquals(1, absences.lengths().getTotalCount());
            assertEquals(1, absences.busiestSecond());
            assertEquals(Map.of(GOING_AWAY, 1), absences.endings());
            assertEquals(0, absences.errors());
        }

        @Test
        void failedAttemptsProlongTheAbsenceAndCountAsErrors() {
            connect(10).end(GOING_AWAY, 1_000);
            client.connect().end("refused", 1_100);
            ConnectionLog halfway = client.connect();
            halfway.subscribed(OWN, 1_200, false, Optional.empty());
            halfway.end("reset", 1_300);
            connect(1_400);

            Absences absences = absences(client);

            assertEquals(400, absences.lengths().getMaxValue());
            assertEquals(1, absences.lengths().getTotalCount());
            assertEquals(Map.of(GOING_AWAY, 1, "refused", 1, "reset", 1), absences.endings());
            assertEquals(2, absences.errors());
        }

        @Test
        void everyLostConnectionCounts() {
            connect(10).end(GOING_AWAY, 1_000);
            connect(1_300).end(GOING_AWAY, 2_000);
            connect(2_100);

            Absences absences = absences(client);

            assertEquals(2, absences.lengths().getTotalCount());
            assertEquals(300, absences.lengths().getMaxValue());
            assertEquals(100, absences.lengths().getMinNonZeroValue());
        }

        @Test
        void absenceBeforeTheStartDoesNotCount() {
            client.connect().end("refused", 20);
            connect(30);

            Absences absences = absences(client);

            assertEquals(0, absences.lengths().getTotalCount());
            assertEquals(0, absences.errors());
        }

        @Test
        void lostClientIsAbsentUntilTheEnd() {
            connect(10).end(GOING_AWAY, 1_000);
            client.connect().subscribed(OWN, 1_100, false, Optional.empty());

            Absences absences = absences(client);

            assertEquals(8_000, absences.lengths().getMaxValue(), 4);
            assertEquals(0, absences.busiestSecond());
        }

        @Test
        void busiestSecondMayStartAtAnyTime() {
            long second = Duration.ofSeconds(1).toNanos();
            // The last one is back a full second after the first.
            List<ClientLog> clients = IntStream.of(600, 900, 1100, 1599, 1600)
                    .mapToObj(millis -> away(second / 1_000 * millis))
                    .toList();

            assertEquals(4, Absences.of(clients, BEGIN, UNTIL).busiestSecond());
        }

        private ConnectionLog connect(long at) {
            return connect(client, at);
        }

        private static ConnectionLog connect(ClientLog client, long at) {
            ConnectionLog log = client.connect();
            client.channels().forEach(channel -> log.subscribed(channel, at, false, Optional.empty()));
            return log;
        }

        /** One that comes back so long after the beginning. */
        private static ClientLog away(long back) {
            ClientLog away = new ClientLog("u" + back, "V1", false, Set.of(UPLOAD));
            connect(away, 10).end(GOING_AWAY, BEGIN);
            connect(away, BEGIN + 1 + back);
            return away;
        }

        private static Absences absences(ClientLog client) {
            return Absences.of(List.of(client), BEGIN, UNTIL);
        }
    }
}
