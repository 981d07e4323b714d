package dev.sluice.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Era;
import dev.sluice.clock.Point;
import dev.sluice.clock.Position;
import dev.sluice.history.Replay.Entry;
import dev.sluice.history.Replay.Reason;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.outbox.Watermark;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.util.AbstractCollection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HistoryTest {

    private static final int SEGMENT = 1024;
    private static final int MAX_BYTES = 16 * SEGMENT;
    private static final int MAX_REPLAY = 4 * SEGMENT;
    private static final Era ERA = new Era(1000, 7);
    private static final Channel A = TestOutboxFactory.channel("upload:a");
    private static final Channel B = TestOutboxFactory.channel("upload:b");
    private static final Channel QUIET = TestOutboxFactory.channel("upload:quiet");

    private int allocated;
    private boolean exhausted;
    private long now = TimeUnit.HOURS.toNanos(1);
    private final History history = TestHistory.with(MAX_BYTES, MAX_REPLAY, SEGMENT, this::allocate, () -> now);

    private final Map<String, Long> ticks = new HashMap<>();
    private long tick;
    private int messages;
    private long sequence;

    @Test
    void channelsAreMergedInTheOrderOfPositions() {
        Position since = tick();
        publish(A, "a1");
        publish(B, "b1");
        publish(QUIET, "not asked for");
        publish(A, "a2");
        tick();
        publish(B, "b2");
        publish(A, "a3");
        assertThat(payloads(history.read(since, List.of(B, A)))).containsExactly("a1", "b1", "a2", "b2", "a3");
    }

    @Test
    void onlyLaterPublicationsAreRecovered() {
        tick();
        publish(A, "before");
        Position since = publish(A, "the last one the client has");
        publish(A, "after");
        assertThat(payloads(history.read(since, List.of(A)))).containsExactly("after");
        assertThat(payloads(history.read(Objects.requireNonNull(history.head()), List.of(A))))
                .isEmpty();
    }

    @Test
    void replayedPayloadEqualsTheDeliveredOne() {
        Position since = tick();
        now += 5;
        Position position = publish(A, "größer");
        Entry entry = recovered(history.read(since, List.of(A))).entries().get(0);
        assertThat(entry.channel()).isEqualTo(A);
        assertThat(entry.payload().position()).isEqualTo(position);
        assertThat(entry.payload().sequence()).isEqualTo(sequence);
        assertThat(entry.payload().receivedAt()).isEqualTo(now);
        assertThat(entry.payload().text()).isTrue();
    }

    @Test
    void channelNamedTwiceIsRecoveredOnce() {
        Position since = tick();
        publish(A, "once");
        assertThat(payloads(history.read(since, List.of(A, TestOutboxFactory.channel("upload:a")))))
                .containsExactly("once");
    }

    @Test
    void headAdvancesWithKeptAndUnkeptPublications() {
        assertThat(history.head()).isNull();
        Position start = tick();
        assertThat(history.head()).isEqualTo(start);
        Position position = publish(A, "a");
        assertThat(history.head()).isEqualTo(position);
        messages++;
        Position later = follow();
        assertThat(history.head()).isEqualTo(later);
        assertThat(recovered(history.read(start, List.of(A))).upTo()).isEqualTo(later);
        Position next = tick();
        assertThat(history.head()).isEqualTo(next);
    }

    @Test
    void publicationsAreFoundOnceTheyAreCommitted() {
        Position start = tick();
        history.append(++sequence, 1, A, TestHistory.publication(A, "a1"), now);
        history.append(++sequence, 2, A, TestHistory.publication(A, "a2"), now);
        assertThat(history.head()).isEqualTo(start);
        assertThat(payloads(history.read(start, List.of(A)))).isEmpty();
        assertThat(history.read(Objects.requireNonNull(start.plus(1)), List.of(A)))
                .isInstanceOf(Replay.Ahead.class);
        history.commit();
        assertThat(history.head()).isEqualTo(start.plus(2));
        assertThat(payloads(history.read(start, List.of(A)))).containsExactly("a1", "a2");
    }

    @Test
    void watermarkIsTheHeadAndKnowsTheLastPublicationBeforeTheHistoryStarted() {
        history.append(++sequence, 1, A, TestHistory.publication(A, "without a position"), now);
        assertThat(history.watermark()).isNull();
        Position start = tick();
        assertThat(history.watermark()).isEqualTo(new Watermark(start, sequence));
        Watermark later = new Watermark(publish(A, "a"), sequence - 1);
        assertThat(history.watermark()).isEqualTo(later);
        assertThat(recovered(history.read(start, List.of(A))).end()).isEqualTo(later);
    }

    @Test
    void positionAfterTheHeadIsAhead() {
        Position head = tick();
        assertThat(history.read(Objects.requireNonNull(head.plus(1)), List.of(A)))
                .isInstanceOf(Replay.Ahead.class);
        assertThat(history.read(Position.of(ERA, tick + 3, 0, 99), List.of(A))).isInstanceOf(Replay.Ahead.class);
    }

    @Test
    void positionBeforeTheHistoryStartedIsAGap() {
        tick = 4;
        Position before = Position.of(ERA, tick, 9, tick);
        tick();
        assertThat(refused(history.read(before, List.of(A)))).isEqualTo(Reason.GAP);
    }

    /** Another pod that lost the next tick has named it. */
    @Test
    void positionAfterTheEndOfItsTickIsAGap() {
        tick();
        Position last = publish(A, "the last of its tick");
        Position beyond = Objects.requireNonNull(last.plus(1));
        assertThat(history.read(beyond, List.of(A))).isInstanceOf(Replay.Ahead.class);
        tick();
        publish(A, "has another position there");
        assertThat(refused(history.read(beyond, List.of(A)))).isEqualTo(Reason.GAP);
        assertThat(history.list(A, 10, beyond, false)).isEqualTo(new Replay.Refused(Reason.GAP));
        assertThat(payloads(history.read(last, List.of(A)))).containsExactly("has another position there");
        tick();
        assertThat(refused(history.read(beyond, List.of(A)))).isEqualTo(Reason.GAP);
    }

    @Test
    void positionIsUnknownWithoutAClock() {
        Position since = Position.of(ERA, 1, 0, 1);
        history.append(1, 1, A, TestHistory.publication(A, "a"), now);
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.UNKNOWN);
        tick();
        history.follow(null);
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.UNKNOWN);
        assertThat(history.head()).isNull();
    }

    @Test
    void routeWithoutHistoryIsUnknown() {
        Channel channel = Objects.requireNonNull(new Routes(List.of(
                        new Route("secret", Audience.SUBSCRIBERS, Access.CLAIM, Overflow.CLOSE, Retain.NONE, false)))
                .resolve("secret:1"));
        assertThat(refused(history.read(tick(), List.of(A, channel)))).isEqualTo(Reason.UNKNOWN);
    }

    @Test
    void positionOfAnotherEraOrTickIsAMismatch() {
        tick();
        Position since = publish(A, "a");
        Position otherEra = new Position(new Era(1000, 8), since.offset(), since.nonce());
        Position otherTick = new Position(ERA, since.offset(), since.nonce() + 1);
        assertThat(refused(history.read(otherEra, List.of(A)))).isEqualTo(Reason.MISMATCH);
        assertThat(refused(history.read(otherTick, List.of(A)))).isEqualTo(Reason.MISMATCH);
        tick();
        assertThat(refused(history.read(otherTick, List.of(A)))).isEqualTo(Reason.MISMATCH);
    }

    @Test
    void onlyChannelsWithEvictedPublicationsAreTooOld() {
        Position since = tick();
        Position first = publish(A, "the first");
        fill();
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.TOO_OLD);
        assertThat(refused(history.read(since, List.of(QUIET, A)))).isEqualTo(Reason.TOO_OLD);
        assertThat(payloads(history.read(since, List.of(QUIET)))).isEmpty();
        assertThat(payloads(history.read(first, List.of(A)))).isEmpty();
        publish(A, "the next");
        assertThat(payloads(history.read(first, List.of(A)))).containsExactly("the next");
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.TOO_OLD);
    }

    @Test
    void eachPublicationOfAnEvictedSegmentMakesItsChannelTooOld() {
        int segment = 16 * SEGMENT;
        History large = TestHistory.with(8L * segment, MAX_REPLAY, segment, byte[]::new, () -> now);
        List<Channel> channels = channelsOfDifferentSlots(500);
        Position since = Position.of(ERA, 1, 0, 1);
        large.follow(since);
        int at = 0;
        for (Channel channel : channels) {
            large.append(++at, at, channel, TestHistory.publication(channel, "its only one"), now);
        }
        byte[] half = TestHistory.publication(QUIET, "x".repeat(segment / 2));
        for (int i = 0; i < 20; i++) {
            large.append(++at, at, QUIET, half, now);
        }
        large.commit();
        for (int i = 0; i < channels.size(); i++) {
            List<Channel> one = List.of(channels.get(i));
            Position before = Objects.requireNonNull(since.plus(i));
            Position own = Objects.requireNonNull(since.plus(i + 1));
            assertThat(refused(large.read(before, one))).isEqualTo(Reason.TOO_OLD);
            assertThat(payloads(large.read(own, one))).isEmpty();
        }
    }

    /** None in the slot of {@link #QUIET}. */
    private static List<Channel> channelsOfDifferentSlots(int count) {
        Set<Integer> slots = new HashSet<>();
        slots.add(PublicationLog.slotOfSingle(QUIET.hashCode()));
        return IntStream.iterate(0, i -> i + 1)
                .mapToObj(i -> TestOutboxFactory.channel("upload:" + i))
                .filter(channel -> slots.add(PublicationLog.slotOfSingle(channel.hashCode())))
                .limit(count)
                .toList();
    }

    @Test
    void channelsOfOneSlotStaySeparateUntilAnEviction() {
        Channel colliding = TestHistory.collidingWith(A);
        Position since = tick();
        publish(A, "a1");
        publish(colliding, "c1");
        publish(A, "a2");
        assertThat(payloads(history.read(since, List.of(A)))).containsExactly("a1", "a2");
        assertThat(payloads(history.read(since, List.of(colliding)))).containsExactly("c1");
        fill();
        Position newest = publish(colliding, "c2");
        fill();
        // The history refuses when unsure: the evicted publication may have been one of the channel's.
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.TOO_OLD);
        assertThat(payloads(history.read(newest, List.of(A)))).isEmpty();
    }

    @Test
    void replayOverTheLimitIsTooMuch() {
        Position since = tick();
        int cost = A.length() + 100 + Search.OVERHEAD;
        for (int i = 0; i < MAX_REPLAY / cost; i++) {
            publish(A, "x".repeat(100));
        }
        assertThat(payloads(history.read(since, List.of(A)))).hasSize(MAX_REPLAY / cost);
        publish(B, "x".repeat(100));
        assertThat(refused(history.read(since, List.of(A, B)))).isEqualTo(Reason.TOO_MUCH);
    }

    @Test
    void longSearchWithinASlotIsTooMuch() {
        History large = TestHistory.standard();
        Channel colliding = TestHistory.collidingWith(A);
        byte[] publication = TestHistory.publication(colliding, "");
        Position since = Position.of(ERA, 1, 0, 1);
        large.follow(since);
        large.append(1, 1, A, TestHistory.publication(A, "a"), now);
        for (int i = 0; i < Search.MAX_PASSED; i++) {
            large.append(i + 2, i + 2, colliding, publication, now);
        }
        large.commit();
        assertThat(payloads(large.read(since, List.of(A)))).containsExactly("a");
        large.append(Search.MAX_PASSED + 2, Search.MAX_PASSED + 2, colliding, publication, now);
        large.commit();
        assertThat(refused(large.read(since, List.of(A)))).isEqualTo(Reason.TOO_MUCH);
    }

    @Test
    void publicationsFillSegmentsToTheLastByte() {
        Position since = tick();
        int room = SEGMENT - Segment.HEADER - A.length();
        publish(A, "x".repeat(room));
        assertThat(allocated).isEqualTo(1);
        publish(A, "y".repeat(room / 2));
        publish(A, "z".repeat(room / 2 - Segment.HEADER - A.length() - 8));
        assertThat(allocated).isEqualTo(2);
        publish(A, "next");
        assertThat(allocated).isEqualTo(3);
        assertThat(payloads(history.read(since, List.of(A))))
                .extracting(String::length)
                .containsExactly(room, room / 2, room / 2 - Segment.HEADER - A.length() - 8, 4);
    }

    @Test
    void publicationLargerThanASegmentIsKept() {
        Position since = tick();
        publish(A, "before");
        publish(A, "x".repeat(3 * SEGMENT));
        publish(A, "after");
        assertThat(payloads(history.read(since, List.of(A))))
                .extracting(String::length)
                .containsExactly(6, 3 * SEGMENT, 5);
    }

    @Test
    void publicationLargerThanTheHistoryMakesOnlyItsChannelTooOld() {
        Position since = tick();
        publish(A, "before");
        publish(B, "of another channel");
        Position huge = publish(A, "x".repeat(MAX_BYTES));
        publish(A, "after");
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.TOO_OLD);
        assertThat(payloads(history.read(since, List.of(B)))).containsExactly("of another channel");
        assertThat(payloads(history.read(huge, List.of(A)))).containsExactly("after");
    }

    @Test
    void arraysOfEvictedSegmentsAreReused() {
        tick();
        fill();
        int before = allocated;
        for (int i = 0; i < 20; i++) {
            fill();
        }
        assertThat(before).isEqualTo(MAX_BYTES / SEGMENT);
        assertThat(allocated).isEqualTo(before);
    }

    @Test
    void oldPublicationsAreEvictedDespiteLowTraffic() {
        Position since = tick();
        publish(A, "old");
        now += TimeUnit.SECONDS.toNanos(119);
        Position later = tick();
        publish(B, "young");
        assertThat(payloads(history.read(since, List.of(A)))).containsExactly("old");
        now += TimeUnit.SECONDS.toNanos(2);
        tick();
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.TOO_OLD);
        assertThat(payloads(history.read(later, List.of(A, B)))).containsExactly("young");
    }

    @Test
    void evictionIsAtMostASixteenthOfTheAgeLate() {
        Position since = tick();
        publish(A, "old");
        for (int second = 0; second < 128; second++) {
            now += TimeUnit.SECONDS.toNanos(1);
            tick();
            publish(B, "x");
            if (second == 119) {
                assertThat(payloads(history.read(since, List.of(A)))).containsExactly("old");
            }
        }
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.TOO_OLD);
    }

    @Test
    void otherEraClearsTheHistory() {
        Position since = tick();
        publish(A, "a");
        Position other = Position.of(new Era(2000, 1), tick + 1, 0, 5);
        history.follow(other);
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.MISMATCH);
        assertThat(payloads(history.read(other, List.of(A)))).isEmpty();
        assertThat(history.head()).isEqualTo(other);
    }

    @Test
    void discontinuousPositionClearsTheHistory() {
        tick = 10;
        tick();
        Position since = publish(A, "a");
        long known = tick;
        List<Position> restarts = List.of(
                // Behind it, past a tick that was not followed, and after another tick of the same number.
                Position.of(ERA, known, 0, known),
                Position.of(ERA, known + 2, 0, known + 2),
                Position.of(ERA, known + 2, 0, known + 3));
        for (Position restart : restarts) {
            history.follow(restart);
            publishAfter(restart, A, "b");
            assertThat(payloads(history.read(restart, List.of(A)))).containsExactly("b");
            if (since.offset() < restart.offset()) {
                assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.GAP);
            }
        }
    }

    @Test
    void fullCounterEndsTheHistoryUntilTheNextTick() {
        Position since = tick();
        publish(A, "named");
        messages = (1 << 24) - 2;
        follow();
        publish(A, "the last that has a name");
        assertThat(payloads(history.read(since, List.of(A)))).containsExactly("named", "the last that has a name");
        history.append(++sequence, 2, A, TestHistory.publication(A, "without a name"), now);
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.UNKNOWN);
        Position adoption = tick();
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.GAP);
        assertThat(payloads(history.read(adoption, List.of(A)))).isEmpty();
    }

    @Test
    void outOfMemoryClearsOnlyTheHistory() {
        Position since = tick();
        exhausted = true;
        history.append(++sequence, 1, A, TestHistory.publication(A, "lost"), now);
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.UNKNOWN);
        exhausted = false;
        Position restart = tick();
        publish(A, "kept");
        assertThat(refused(history.read(since, List.of(A)))).isEqualTo(Reason.GAP);
        assertThat(payloads(history.read(restart, List.of(A)))).containsExactly("kept");
    }

    @Test
    void metricsShowMemoryAndTheAgeOfTheOldestPosition() {
        MeterRegistry metrics = new SimpleMeterRegistry();
        history.measure(metrics);
        assertThat(gauge(metrics, "sluice.history.bytes")).isZero();
        assertThat(gauge(metrics, "sluice.history.age")).isZero();
        tick();
        now += TimeUnit.SECONDS.toNanos(90);
        publish(A, "a");
        publish(A, "x".repeat(3 * SEGMENT));
        now += TimeUnit.SECONDS.toNanos(10);
        assertThat(gauge(metrics, "sluice.history.age")).isEqualTo(100);
        assertThat(gauge(metrics, "sluice.history.bytes")).isBetween(4.0 * SEGMENT, 4.5 * SEGMENT);
        fill();
        assertThat(gauge(metrics, "sluice.history.age")).isEqualTo(10);
        assertThat(gauge(metrics, "sluice.history.bytes")).isBetween(0.9 * MAX_BYTES, 1.0 * MAX_BYTES);
        history.follow(null);
        assertThat(gauge(metrics, "sluice.history.bytes")).isZero();
        assertThat(gauge(metrics, "sluice.history.age")).isZero();
    }

    private static double gauge(MeterRegistry metrics, String name) {
        return metrics.get(name).gauge().value();
    }

    private byte[] allocate(int length) {
        if (exhausted) {
            throw new OutOfMemoryError("thrown by the test");
        }
        allocated++;
        return new byte[length];
    }

    /** Follows a tick whose number is its nonce. */
    @Test
    void podThatSubscribesByNameRefusesPositionsOfTheOtherMode() {
        Era byName = Era.founded(ERA.start(), Era.Kind.BY_CHANNEL, ERA.random());
        Position known = Position.of(byName, 1, 0, 5);
        history.follow(known);
        history.hold(A);
        assertThat(history.read(known, List.of(A))).isInstanceOf(Replay.Recovered.class);
        assertThat(history.read(Position.of(ERA, 1, 0, 5), List.of(A))).isEqualTo(new Replay.Refused(Reason.MISMATCH));
        history.follow(null);
        history.follow(Position.of(ERA, 1, 0, 5));
        assertThat(history.read(known, List.of(A))).isEqualTo(new Replay.Refused(Reason.MISMATCH));
        assertThat(history.list(A, 10, known, false)).isEqualTo(new Replay.Refused(Reason.MISMATCH));
    }

    @Test
    void channelIsRecoveredFromTheTickSinceWhichItIsHeld() {
        Era byName = Era.founded(1000, Era.Kind.BY_CHANNEL, 7);
        history.follow(Position.of(byName, 1, 0, 5));
        assertThat(history.append(1, 1, A, TestHistory.publication(A, "not held"), now))
                .isNull();
        Position since = Position.of(byName, 2, 0, 6);
        history.follow(since);
        history.hold(A);
        Point first = Objects.requireNonNull(history.append(2, 1, A, TestHistory.publication(A, "a1"), now));
        history.append(3, 2, A, TestHistory.publication(A, "a2"), now);
        history.commit();
        assertThat(payloads(history.read(since, List.of(A)))).containsExactly("a1", "a2");
        assertThat(payloads(history.read(since.named(first), List.of(A)))).containsExactly("a2");
        assertThat(history.read(Position.of(byName, 1, 0, 5), List.of(A))).isEqualTo(new Replay.Refused(Reason.GAP));
        Point other = new Point(first.key(), first.count(), first.check() ^ 1);
        assertThat(history.read(since.named(other), List.of(A))).isEqualTo(new Replay.Refused(Reason.MISMATCH));
        history.release(A);
        assertThat(history.read(since, List.of(A))).isEqualTo(new Replay.Refused(Reason.GAP));
    }

    @Test
    void eachShardCountsItsOwnChannels() {
        History shared = shared(1 << 20);
        Position one = follow(shared, "one", 1000, 1);
        shared.hold(A);
        shared.append(1, 1, A, TestHistory.publication(A, "a"), now);
        shared.commit();
        Position other = follow(shared, "other", 2000, 4);
        shared.hold(B);
        shared.append(2, 1, B, TestHistory.publication(B, "b"), now);
        shared.commit();
        assertThat(payloads(shared.read(one, List.of(A)))).containsExactly("a");
        assertThat(payloads(shared.read(other, List.of(B)))).containsExactly("b");
        assertThat(refused(shared.read(other, List.of(A)))).isEqualTo(Reason.MISMATCH);
        assertThat(refused(shared.read(one, List.of(A, B)))).isEqualTo(Reason.MISMATCH);
        assertThat(shared.isLate(A)).as("from the other shard").isTrue();
        assertThat(shared.isLate(B)).isFalse();
        shared.release("other", A);
        assertThat(shared.isLate(A)).as("still counted by its own shard").isTrue();
        shared.release("one", A);
        assertThat(shared.isLate(A)).as("counted nowhere").isFalse();
        assertThat(refused(shared.read(one, List.of(A)))).isEqualTo(Reason.UNKNOWN);
        shared.releaseShard("other");
        assertThat(refused(shared.read(other, List.of(B)))).isEqualTo(Reason.UNKNOWN);
    }

    @Test
    void channelIsCountedByTheShardThatHoldsItLast() {
        History shared = shared(1 << 20);
        Position one = follow(shared, "one", 1000, 1);
        shared.hold(A);
        Position other = follow(shared, "other", 2000, 4);
        shared.hold(A);
        shared.append(1, 1, A, TestHistory.publication(A, "a"), now);
        shared.commit();
        assertThat(refused(shared.read(one, List.of(A)))).isEqualTo(Reason.MISMATCH);
        assertThat(payloads(shared.read(other, List.of(A)))).containsExactly("a");
        shared.release("one", A);
        assertThat(payloads(shared.read(other, List.of(A)))).containsExactly("a");
        assertThat(shared.channels("one")).isEmpty();
        shared.releaseShard("one");
        assertThat(payloads(shared.read(other, List.of(A)))).containsExactly("a");
    }

    @Test
    void replayIncludesWhatItsShardDidNotCountBeforeItHeldTheChannel() {
        History shared = shared(1 << 20);
        follow(shared, "two", 2000, 1);
        Position one = follow(shared, "one", 1000, 1);
        shared.hold(A);
        Payload earlier = published(shared, one);
        shared.release("one", A);
        Position since = follow(shared, "two", 2000, 2);
        shared.hold(A);
        Payload later = published(shared, since);
        Watermark end = recovered(shared.read(since, List.of(A))).end();
        assertThat(end.covers(later)).isTrue();
        assertThat(end.covers(earlier)).as("of the other shard").isTrue();
        assertThat(Objects.requireNonNull(shared.watermark(A)).covers(earlier)).isTrue();
    }

    @Test
    void channelThatLeavesAndReturnsWhileItIsReadIsRefusedOrRecoveredUpToItsReturn() {
        int recovered = 0;
        // Later, it is searched for, and what it is recovered up to is known.
        for (int step = 1; step <= 5; step++) {
            History shared = shared(1 << 20);
            follow(shared, "two", 2000, 1);
            shared.hold(A);
            Position since = follow(shared, "two", 2000, 2);
            Payload[] between = new Payload[1];
            Replay replay = shared.read(since, new Interrupted(step, () -> {
                shared.release("two", A);
                between[0] = published(shared, follow(shared, "one", 1000, 1));
                shared.turnTo("two");
                shared.hold(A);
            }));
            if (replay instanceof Replay.Recovered complete && between[0] != null) {
                recovered++;
                assertThat(complete.end().covers(between[0]))
                        .as("step %d", step)
                        .isTrue();
            } else if (between[0] != null) {
                assertThat(refused(replay)).isIn(Reason.GAP, Reason.UNKNOWN);
            }
        }
        assertThat(recovered).isPositive();
    }

    /** One channel, with an action before it is looked up for the n-th time. */
    private static final class Interrupted extends AbstractCollection<Channel> {

        private final Runnable action;
        private int left;

        Interrupted(int step, Runnable action) {
            this.action = action;
            this.left = step;
        }

        @Override
        public Iterator<Channel> iterator() {
            if (--left == 0) {
                action.run();
            }
            return List.of(A).iterator();
        }

        @Override
        public int size() {
            return 1;
        }
    }

    /** Publishes on {@link #A}. */
    private Payload published(History shared, Position tick) {
        Point point = shared.append(++sequence, 1, A, TestHistory.publication(A, "a"), now);
        shared.commit();
        return Payload.of(sequence, Objects.requireNonNull(tick.plus(1)).named(point), new byte[1], now);
    }

    private record Broken() {

        @Override
        public int hashCode() {
            throw new IllegalStateException("thrown by the test");
        }
    }

    @Test
    void nothingIsCountedWhereAShardCannotBeBegun() {
        History shared = shared(1 << 20);
        Position since = follow(shared, "one", 1000, 1);
        shared.hold(A);
        shared.turnTo(new Broken());
        assertThat(shared.follow(Position.of(Era.founded(2000, Era.Kind.OF_SHARD, 7), 1, 0, 5)))
                .isFalse();
        shared.hold(B);
        assertThat(shared.append(1, 1, B, TestHistory.publication(B, "b"), now)).isNull();
        shared.append(2, 2, A, TestHistory.publication(A, "a"), now);
        shared.commit();
        assertThat(payloads(shared.read(since, List.of(A)))).isEmpty();
        assertThat(shared.watermark(B)).isNull();
    }

    @Test
    void ageIsThatOfTheYoungestShardWithPositions() {
        History shared = shared(1 << 20);
        MeterRegistry metrics = new SimpleMeterRegistry();
        shared.measure(metrics);
        follow(shared, "one", 1000, 1);
        now += TimeUnit.SECONDS.toNanos(60);
        shared.turnTo("without");
        assertThat(gauge(metrics, "sluice.history.age")).isEqualTo(60);
        follow(shared, "two", 1000, 1);
        now += TimeUnit.SECONDS.toNanos(5);
        assertThat(gauge(metrics, "sluice.history.age")).isEqualTo(5);
    }

    @Test
    void shardsShareTheMemory() {
        int most = 8 << 20;
        History shared = shared(most);
        MeterRegistry metrics = new SimpleMeterRegistry();
        shared.measure(metrics);
        for (int shards = 1; shards <= 40; shards++) {
            fill(shared, "shard " + shards);
            assertThat(gauge(metrics, "sluice.history.bytes"))
                    .as("%d shards", shards)
                    .isBetween(0.1 * most, 1.0 * most);
        }
        // Each still keeps what came last, although a part is smaller than the segments of a single history.
        for (int shards = 1; shards <= 40; shards++) {
            Position since = fill(shared, "shard " + shards);
            assertThat(shared.read(since, List.of(QUIET))).isInstanceOf(Replay.Recovered.class);
            assertThat(payloads(shared.list(A, 1, null, true)))
                    .as("shard %d", shards)
                    .hasSize(1);
        }
        assertThat(gauge(metrics, "sluice.history.bytes")).isBetween(0.5 * most, 1.0 * most);
        for (int shards = 1; shards <= 39; shards++) {
            shared.releaseShard("shard " + shards);
        }
        for (int i = 0; i < 20; i++) {
            fill(shared, "shard 40");
        }
        assertThat(gauge(metrics, "sluice.history.bytes")).isBetween(0.9 * most, 1.0 * most);
    }

    /** Adds more than the memory of a shard; returns the position before. */
    private Position fill(History shared, String shard) {
        // Its next one, so that it goes on with what it has.
        long number = ticks.merge(shard, 1L, Long::sum);
        Position position = Position.of(Era.founded(1000, Era.Kind.OF_SHARD, 7), number, 0, number);
        shared.turnTo(shard);
        shared.follow(position);
        shared.hold(A);
        shared.hold(QUIET);
        for (int i = 1; i <= 500; i++) {
            shared.append(++sequence, i, A, TestHistory.publication(A, "x".repeat(SEGMENT)), now);
        }
        shared.commit();
        return position;
    }

    private History shared(int most) {
        return TestHistory.with(most, MAX_REPLAY, 256 << 10, byte[]::new, () -> now);
    }

    private static Position follow(History shared, String shard, long start, long number) {
        Position position = Position.of(Era.founded(start, Era.Kind.OF_SHARD, 7), number, 0, 5);
        shared.turnTo(shard);
        shared.follow(position);
        return position;
    }

    private Position tick() {
        tick++;
        messages = 0;
        return follow();
    }

    private Position follow() {
        Position position = Position.of(ERA, tick, messages, tick);
        history.follow(position);
        return position;
    }

    private Position publish(Channel channel, String payload) {
        Position position = publishAfter(Position.of(ERA, tick, messages, tick), channel, payload);
        messages++;
        follow();
        return position;
    }

    private Position publishAfter(Position before, Channel channel, String payload) {
        history.append(++sequence, 1, channel, TestHistory.publication(channel, payload), now);
        history.commit();
        return Objects.requireNonNull(before.plus(1));
    }

    /** Evicts all earlier publications. */
    private void fill() {
        for (int i = 0; i < MAX_BYTES / SEGMENT; i++) {
            publish(B, "x".repeat(SEGMENT - Segment.HEADER - B.length()));
        }
    }

    private static Replay.Recovered recovered(Replay replay) {
        assertThat(replay).isInstanceOf(Replay.Recovered.class);
        return (Replay.Recovered) replay;
    }

    private static List<String> payloads(Replay replay) {
        return recovered(replay).entries().stream()
                .map(entry -> new String(entry.payload().bytes(), StandardCharsets.UTF_8))
                .toList();
    }

    private static Reason refused(Replay replay) {
        assertThat(replay).isInstanceOf(Replay.Refused.class);
        return ((Replay.Refused) replay).reason();
    }
}
