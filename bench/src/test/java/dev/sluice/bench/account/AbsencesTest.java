package dev.sluice.bench.account;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.bench.account.Books.ClientLog;
import dev.sluice.bench.account.Timing.Absences;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AbsencesTest {

    private static final String UPLOAD = "upload:1";
    private static final String OWN = "user:1";
    private static final String GOING_AWAY = Absences.GOING_AWAY;
    private static final long BEGIN = 100;
    private static final long UNTIL = 9_000;

    private final ClientLog client = new ClientLog("u1", false, Set.of(UPLOAD, OWN));

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
        ClientLog away = new ClientLog("u" + back, false, Set.of(UPLOAD));
        connect(away, 10).end(GOING_AWAY, BEGIN);
        connect(away, BEGIN + 1 + back);
        return away;
    }

    private static Absences absences(ClientLog client) {
        return Absences.of(List.of(client), BEGIN, UNTIL);
    }
}
