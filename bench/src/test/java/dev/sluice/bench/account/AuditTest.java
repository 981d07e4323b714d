package dev.sluice.bench.account;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Books.ClientLog;
import dev.sluice.bench.account.Books.Publications;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Publication {@code n} is sent at {@code 10 n}, acknowledged at {@code 10 n + 2}, and heard at {@code 10 n + 4}. */
class AuditTest {

    private static final String CHANNEL = "upload:1";
    private static final String OTHER = "user:1";
    private static final String STREAM = "result:1";
    private static final long TOLD_WITHIN = 50;

    private final Map<String, Publications> published =
            Map.of(CHANNEL, new Publications(), OTHER, new Publications(), STREAM, new Publications());
    private final ClientLog client = new ClientLog("u1", "V1", false, Set.of(CHANNEL, OTHER, STREAM));
    private ConnectionLog connection = connect(5, false);

    @Test
    void findsNothingIfAllPublicationsArrive() {
        publish(10);
        hear(1, 10);

        Balance balance = audit();

        assertTrue(balance.isClean());
        assertEquals(10, balance.count(Fate.DELIVERED));
        assertEquals(10, balance.expected());
    }

    @Test
    void findsAnUnsignalledLoss() {
        publish(10);
        hear(1, 4);
        hear(6, 10);

        assertBreaches(Breach.UNSIGNALLED, 1);
        assertEquals(1, audit().count(Fate.UNSIGNALLED));
        assertEquals(9, audit().count(Fate.DELIVERED));
        assertTrue(audit().examples().get(0).contains("5 of upload:1"));
    }

    @Test
    void findsALossAtTheEndOfAnOpenConnection() {
        publish(10);
        hear(1, 9);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void findsALossAtTheBeginning() {
        publish(10);
        hear(2, 10);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void findsADuplicate() {
        publish(3);
        hear(1, 3);
        hear(3, 3);

        assertBreaches(Breach.DUPLICATED, 1);
    }

    @Test
    void findsReorderedPublications() {
        publish(4);
        hear(1, 1);
        hear(3, 3);
        hear(2, 2);
        hear(4, 4);

        assertBreaches(Breach.REORDERED, 1);
    }

    @Test
    void acceptsAnAnnouncedRetainedPublication() {
        publish(4);
        hear(1, 3);
        connection.subscribed(CHANNEL, 35, true, Optional.empty());
        hear(3, 4);

        assertTrue(audit().isClean());
    }

    @Test
    void rejectsAnOldRetainedPublication() {
        publish(4);
        hear(1, 3);
        connection.subscribed(CHANNEL, 35, true, Optional.empty());
        hear(2, 2);
        hear(4, 4);

        assertFalse(audit().isClean());
    }

    @Test
    void acceptsAnAnnouncedRetainedPublicationOnlyOnce() {
        publish(4);
        hear(1, 3);
        connection.subscribed(CHANNEL, 35, true, Optional.empty());
        hear(3, 3);
        hear(3, 4);

        assertBreaches(Breach.DUPLICATED, 1);
    }

    @Test
    void expectsNothingFromAnEndedConnection() {
        publish(10);
        hear(1, 4);
        connection.end("1012", 0);
        connection = connect(75, false);
        hear(8, 10);

        Balance balance = audit();

        assertTrue(balance.isClean());
        assertEquals(3, balance.count(Fate.DISCONNECTED));
        assertEquals(10, balance.expected());
        assertEquals(3, balance.losses().size());
        assertTrue(
                balance.losses().get(0).startsWith("DISCONNECTED: "),
                balance.losses().get(0));
        assertTrue(
                balance.losses().get(0).contains(" did not get 5 of "),
                balance.losses().get(0));
    }

    @Test
    void expectsEverythingBeforeTheLastPublicationOfAnEndedConnection() {
        publish(10);
        hear(1, 4);
        hear(6, 6);
        connection.end("1012", 0);
        connection = connect(75, false);
        hear(8, 10);

        assertBreaches(Breach.UNSIGNALLED, 1);
        assertEquals(1, audit().count(Fate.DISCONNECTED));
    }

    @Test
    void publicationOnAnotherChannelProvesThatTheConnectionWasOpen() {
        publish(10);
        hear(1, 4);
        int number = published.get(OTHER).add(63);
        published.get(OTHER).acknowledge(number, 64);
        connection.heard(OTHER, number, 65);
        connection.end("1012", 0);
        connection = connect(75, false);
        hear(8, 10);

        // 5 and 6 are older; 7 is not.
        assertBreaches(Breach.UNSIGNALLED, 2);
    }

    @Test
    void expectsNothingBeforeTheSubscriptionIsAnswered() {
        publish(10);
        connection.end("1012", 0);
        connection = connect(35, false);
        hear(4, 10);

        assertTrue(audit().isClean());
        assertEquals(3, audit().count(Fate.DISCONNECTED));
    }

    @Test
    void expectsEverythingAfterTheFirstPublicationOfASubscription() {
        publish(10);
        connection.end("1012", 0);
        connection = connect(65, true);
        connection.heard(CHANNEL, 4, 66);
        hear(6, 10);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void acceptsALossWithinAGap() {
        publish(10);
        hear(1, 4);
        hear(7, 10);
        connection.gap(Optional.empty(), 45, Optional.empty(), 60);
        connection.gap(Optional.empty(), 45, Optional.of(65L), 80);

        Balance balance = audit();

        assertTrue(balance.isClean());
        assertEquals(2, balance.count(Fate.IN_GAP));
        assertEquals(10, balance.expected());
    }

    @Test
    void findsALossBeforeTheGap() {
        publish(10);
        hear(1, 4);
        hear(7, 10);
        connection.gap(Optional.empty(), 53, Optional.of(65L), 80);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void findsALossAfterTheGap() {
        publish(10);
        hear(1, 4);
        hear(7, 10);
        connection.gap(Optional.empty(), 45, Optional.of(59L), 80);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void rejectsAGapReportedOnAnotherConnection() {
        publish(10);
        connection.gap(Optional.empty(), 45, Optional.of(65L), 48);
        connection.end("1012", 0);
        connection = connect(49, false);
        hear(6, 10);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void rejectsAGapReportedTooLate() {
        publish(10);
        hear(1, 4);
        hear(6, 10);
        connection.gap(Optional.empty(), 45, Optional.of(65L), 52 + TOLD_WITHIN + 1);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void findsAGapThatNeverEnds() {
        publish(10);
        hear(1, 10);
        connection.gap(Optional.empty(), 45, Optional.empty(), 60);

        assertBreaches(Breach.UNCLOSED, 1);
    }

    @Test
    void acceptsAGapOfAChannelThatBeganEarlierThanItWasTold() {
        publish(10);
        hear(1, 4);
        hear(7, 10);
        connection.gap(Optional.of(CHANNEL), 55, Optional.empty(), 60);
        connection.gap(Optional.of(CHANNEL), 45, Optional.of(65L), 80);

        assertTrue(audit().isClean());
        assertEquals(2, audit().count(Fate.IN_GAP));
    }

    @Test
    void acceptsALossThatIsCountedAsMissed() {
        publish(10);
        hear(1, 4);
        connection.missed(CHANNEL, 3);
        hear(8, 10);

        Balance balance = audit();

        assertTrue(balance.isClean());
        assertEquals(3, balance.count(Fate.MISSED));
        assertEquals(10, balance.expected());
    }

    @Test
    void findsACountOfMissedThatIsTooLow() {
        publish(10);
        hear(1, 4);
        connection.missed(CHANNEL, 2);
        hear(8, 10);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void findsACountOfMissedThatIsTooHigh() {
        publish(10);
        hear(1, 4);
        connection.missed(CHANNEL, 4);
        hear(8, 10);

        assertBreaches(Breach.MISCOUNTED, 1);
    }

    @Test
    void countOfMissedAppliesOnlyToItsChannel() {
        publish(10);
        hear(1, 4);
        connection.missed(OTHER, 1);
        hear(6, 10);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void unacknowledgedPublicationIsUncertain() {
        publish(4);
        published.get(CHANNEL).add(50);
        publish(4);
        hear(1, 4);
        for (int number = 6; number <= 9; number++) {
            connection.heard(CHANNEL, number, 200);
        }

        Balance balance = audit();

        assertTrue(balance.isClean());
        assertEquals(1, balance.count(Fate.UNCERTAIN));
        assertEquals(8, balance.expected());
    }

    @Test
    void expectsPublicationsOfTheAbsenceFromAResumedSubscription() {
        publish(10);
        hear(1, 4);
        connection.end("1006", 46);
        connection = resume(75, true);
        hear(6, 10);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void countsResumedPublications() {
        publish(10);
        hear(1, 4);
        connection.end("1006", 46);
        connection = resume(75, true);
        hear(5, 10);

        Balance balance = audit();

        assertTrue(balance.isClean());
        assertEquals(10, balance.count(Fate.DELIVERED));
        assertEquals(3, balance.countResumed());
        assertEquals(3, balance.countAnswers(true));
    }

    @Test
    void findsAPublicationThatIsResumedTwice() {
        publish(10);
        hear(1, 4);
        connection.end("1006", 46);
        connection = resume(75, true);
        hear(4, 10);

        assertBreaches(Breach.DUPLICATED, 1);
    }

    @Test
    void unansweredAttemptDoesNotInterruptTheSubscription() {
        publish(10);
        hear(1, 4);
        connection.end("1006", 46);
        client.connect().end("1006", 50);
        connection = resume(75, true);
        hear(6, 10);

        assertBreaches(Breach.UNSIGNALLED, 1);
    }

    @Test
    void expectsNothingOfTheAbsenceFromARefusedResumption() {
        publish(10);
        hear(1, 4);
        connection.end("1006", 46);
        connection = resume(75, false);
        hear(8, 10);

        Balance balance = audit();

        assertTrue(balance.isClean());
        assertEquals(3, balance.count(Fate.DISCONNECTED));
        assertEquals(3, balance.countAnswers(false));
    }

    @Test
    void acceptsACountOfMissedFromBeforeTheResumption() {
        publish(10);
        hear(1, 4);
        connection.missed(CHANNEL, 2);
        connection.end("1006", 62);
        connection = resume(75, true);
        hear(7, 10);

        assertTrue(audit().isClean());
        assertEquals(2, audit().count(Fate.MISSED));
    }

    @Test
    void gapOfAStreamIsASignalForItAlone() {
        publish(10);
        publish(STREAM, 10);
        connection.gap(Optional.of(STREAM), 45, Optional.of(65L), 60);
        for (int number : new int[] {1, 2, 3, 4, 7, 8, 9, 10}) {
            connection.heard(CHANNEL, number, 10L * number + 4);
            connection.heard(STREAM, number, 10L * number + 4);
        }

        assertBreaches(Breach.UNSIGNALLED, 2);
        assertEquals(2, audit().count(Fate.IN_GAP));
    }

    @Test
    void gapOfOtherChannelsIsNoSignalForAStream() {
        publish(STREAM, 10);
        connection.gap(Optional.empty(), 45, Optional.of(65L), 60);
        for (int number : new int[] {1, 2, 3, 4, 7, 8, 9, 10}) {
            connection.heard(STREAM, number, 10L * number + 4);
        }

        assertBreaches(Breach.UNSIGNALLED, 2);
    }

    @Test
    void entryThatRedisLostIsNotDue() {
        publish(STREAM, 4);
        BitSet kept = new BitSet();
        kept.set(1, 4);
        published.get(STREAM).keep(kept);
        connection.heard(STREAM, 1, 14);
        connection.heard(STREAM, 3, 34);

        assertBreaches(Breach.UNSIGNALLED, 1);
        assertEquals(1, audit().count(Fate.FORGOTTEN));
        assertEquals(3, audit().expected());
    }

    @Test
    void endOfASubscriptionIsNoSignalUnlessTheNextIsNotResumed() {
        publish(6);
        hear(1, 2);
        connection.unsubscribed(CHANNEL);
        connection.subscribed(CHANNEL, 45, false, Optional.of(true));
        hear(4, 6);

        assertBreaches(Breach.UNSIGNALLED, 1);
        assertEquals(1, audit().countAnswers(true));
    }

    @Test
    void subscriptionThatIsNotResumedSignalsWhatWasPublishedBetween() {
        publish(6);
        connection.heard(CHANNEL, 1, 14);
        connection.heard(CHANNEL, 3, 34);
        connection.unsubscribed(CHANNEL);
        connection.subscribed(CHANNEL, 45, false, Optional.of(false));
        connection.heard(CHANNEL, 6, 64);

        // 2 was lost before; 4 was published between, and 5 after the answer.
        assertBreaches(Breach.UNSIGNALLED, 2);
        assertEquals(1, audit().count(Fate.DISCONNECTED));
    }

    private void publish(int howMany) {
        publish(CHANNEL, howMany);
    }

    private void publish(String channel, int howMany) {
        Publications publications = published.get(channel);
        for (int i = 0; i < howMany; i++) {
            long at = 10L * (publications.count() + 1);
            publications.acknowledge(publications.add(at), at + 2);
        }
    }

    private ConnectionLog connect(long subscribed, boolean retained) {
        ConnectionLog log = client.connect();
        log.subscribed(CHANNEL, subscribed, retained, Optional.empty());
        log.subscribed(OTHER, subscribed, false, Optional.empty());
        log.subscribed(STREAM, subscribed, false, Optional.empty());
        return log;
    }

    private ConnectionLog resume(long answered, boolean recovered) {
        ConnectionLog log = client.connect();
        client.channels().forEach(channel -> log.subscribed(channel, answered, false, Optional.of(recovered)));
        return log;
    }

    private void hear(int first, int last) {
        for (int number = first; number <= last; number++) {
            connection.heard(CHANNEL, number, 10L * number + 4);
        }
    }

    private Balance audit() {
        return Audit.of(published, List.of(client), channel -> true, Duration.ofNanos(TOLD_WITHIN));
    }

    /** And nothing else. */
    private void assertBreaches(Breach breach, int count) {
        Balance balance = audit();
        for (Breach each : Breach.values()) {
            assertEquals(each == breach ? count : 0, balance.count(each), () -> each + ": " + balance.examples());
        }
    }
}
