package dev.sluice.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.harness.Histories;
import dev.sluice.history.Replay.Reason;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares random histories with a list of all publications. Each name has its seed. */
@Execution(ExecutionMode.CONCURRENT)
class HistoryModelTest {

    private static final int SEEDS = Histories.of(200);
    private static final int STEPS = 2_000;
    private static final int SEGMENT = 512;
    private static final int MAX_BYTES = 24 * SEGMENT;
    private static final int MAX_REPLAY = 6 * 1024;
    private static final long MAX_AGE = TimeUnit.MINUTES.toNanos(2);

    private static final List<Channel> CHANNELS = channels();

    private record Kept(Position position, Channel channel, String payload, long receivedAt) {
        private int cost() {
            return channel.length() + payload.length() + Search.OVERHEAD;
        }

        private int slot() {
            return PublicationLog.slotOfSingle(channel.hashCode());
        }
    }

    private final Map<Reason, Integer> refused = new EnumMap<>(Reason.class);
    private final List<Kept> published = new ArrayList<>();
    private final List<Position> positions = new ArrayList<>();
    private SplittableRandom random = new SplittableRandom(0);
    private long now = 1;
    private final History history = TestHistory.with(MAX_BYTES, MAX_REPLAY, SEGMENT, byte[]::new, () -> now);

    private Era era = new Era(1, 1);
    private Position adoption = Position.of(era, 1, 0, 1);
    private Position head = adoption;
    private long sequence;
    private int recovered;
    private int ahead;

    static LongStream seeds() {
        return LongStream.range(0, SEEDS);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void replayIsExactOrRefusedWithTheRightReason(long seed) {
        run(seed);
    }

    @Test
    void seedsReachEveryOutcome() {
        seeds().limit(20).forEach(this::run);
        assertThat(recovered).isGreaterThan(1_000);
        assertThat(ahead).isPositive();
        assertThat(refused).containsOnlyKeys(Reason.TOO_OLD, Reason.GAP, Reason.TOO_MUCH, Reason.MISMATCH);
    }

    private void run(long seed) {
        random = new SplittableRandom(seed);
        adopt();
        for (int step = 0; step < STEPS; step++) {
            int action = random.nextInt(100);
            if (action < 60) {
                publish();
            } else if (action < 70) {
                follow(Objects.requireNonNull(head.plus(random.nextInt(5))));
            } else if (action < 80) {
                tick();
            } else if (action < 82) {
                now += random.nextLong(random.nextInt(10) == 0 ? MAX_AGE : MAX_AGE / 50);
            } else if (action == 82 && random.nextInt(20) == 0) {
                adopt();
            } else {
                read();
            }
        }
    }

    private void adopt() {
        era = new Era(1, random.nextInt(3));
        long tick = head.tick() + 2 + random.nextInt(3);
        adoption = Position.of(era, tick, random.nextInt(10), random.nextLong());
        published.clear();
        follow(adoption);
    }

    private void tick() {
        follow(Position.of(era, head.tick() + 1, 0, random.nextLong()));
    }

    private void follow(Position position) {
        head = position;
        positions.add(head);
        history.follow(head);
    }

    private void publish() {
        Channel channel = CHANNELS.get(skewed());
        int length = random.nextInt(40) == 0 ? random.nextInt(3 * SEGMENT) : random.nextInt(120);
        if (random.nextInt(300) == 0) {
            length = MAX_BYTES + random.nextInt(10);
        }
        int messages = 1 + random.nextInt(3);
        String payload = sequence + "." + "x".repeat(length);
        Position position = Objects.requireNonNull(head.plus(messages));
        history.append(++sequence, messages, channel, TestHistory.publication(channel, payload), now);
        if (random.nextBoolean()) {
            // Otherwise the next position does the same.
            history.commit();
            assertThat(history.head()).isEqualTo(position);
        }
        published.add(new Kept(position, channel, payload, now));
        follow(position);
    }

    private void read() {
        Set<Channel> channels = new HashSet<>();
        for (int i = random.nextInt(6); i >= 0; i--) {
            channels.add(CHANNELS.get(skewed()));
        }
        Position since = since();
        Replay replay = history.read(since, channels);
        List<Kept> missed = published.stream()
                .filter(kept -> kept.position().offset() > since.offset() && channels.contains(kept.channel()))
                .toList();
        if (replay instanceof Replay.Recovered found) {
            recovered++;
            assertThat(since.era()).isEqualTo(era);
            assertThat(found.upTo()).isEqualTo(head);
            assertThat(since.offset()).isBetween(adoption.offset(), head.offset());
            assertThat(found.entries().stream()
                            .map(entry -> new Kept(
                                    Objects.requireNonNull(entry.payload().position()),
                                    entry.channel(),
                                    new String(entry.payload().bytes(), StandardCharsets.US_ASCII),
                                    entry.payload().receivedAt())))
                    .isEqualTo(missed);
            assertThat(cost(missed)).isLessThanOrEqualTo(MAX_REPLAY);
        } else if (replay instanceof Replay.Refused refusal) {
            refused.merge(refusal.reason(), 1, Integer::sum);
            assertThat(reasonHolds(refusal.reason(), since, channels, missed))
                    .as("%s since %s, adopted at %s", refusal.reason(), since, adoption)
                    .isTrue();
        } else {
            ahead++;
            assertThat(since.offset()).isGreaterThan(head.offset());
            assertThat(since.era()).isEqualTo(era);
        }
    }

    private boolean reasonHolds(Reason reason, Position since, Set<Channel> channels, List<Kept> missed) {
        return switch (reason) {
            case TOO_OLD -> mayBeEvicted(since, channels);
            case GAP -> since.offset() < adoption.offset();
            case TOO_MUCH -> cost(missed) > MAX_REPLAY;
            case MISMATCH -> !since.era().equals(era) || positions.stream().noneMatch(known -> known.equals(since));
            case UNKNOWN -> false;
        };
    }

    /** Whether a later publication in the channels' slots is too old, too large, or followed by half the history. */
    private boolean mayBeEvicted(Position since, Set<Channel> channels) {
        List<Kept> after = published.stream()
                .filter(kept -> kept.position().offset() > since.offset())
                .toList();
        int bytes = 0;
        for (Kept kept : after) {
            bytes += 2 * (kept.payload().length() + kept.channel().length() + Segment.HEADER + Long.BYTES);
        }
        Set<Integer> slots = new HashSet<>();
        channels.forEach(channel -> slots.add(PublicationLog.slotOfSingle(channel.hashCode())));
        int most = bytes;
        return after.stream()
                .filter(kept -> slots.contains(kept.slot()))
                .anyMatch(kept -> most > MAX_BYTES - 4 * SEGMENT || now - kept.receivedAt() > MAX_AGE);
    }

    private Position since() {
        Position known = positions.get(Math.max(0, positions.size() - 1 - random.nextInt(1 + random.nextInt(400))));
        return switch (random.nextInt(20)) {
            case 0 -> Objects.requireNonNull(head.plus(1 + random.nextInt(9)));
            case 1 -> Position.of(era, head.tick() + 1 + random.nextInt(3), random.nextInt(5), random.nextLong());
            case 2 -> new Position(new Era(9, 9), known.offset(), known.nonce());
            case 3 -> new Position(known.era(), known.offset(), known.nonce() + 1);
            case 4 -> new Position(adoption.era(), Math.max(1 << 24, adoption.offset() - 1), adoption.nonce());
            default -> known;
        };
    }

    private int skewed() {
        return random.nextInt(1 + random.nextInt(CHANNELS.size()));
    }

    private static int cost(List<Kept> those) {
        return those.stream().mapToInt(Kept::cost).sum();
    }

    private static List<Channel> channels() {
        List<Channel> channels = new ArrayList<>(IntStream.range(0, 20)
                .mapToObj(i -> TestOutboxFactory.channel("upload:" + i))
                .toList());
        // Some channels share a slot.
        Stream.of(0, 7, 19).map(channels::get).map(TestHistory::collidingWith).forEach(channels::add);
        Collections.shuffle(channels, new java.util.Random(1));
        return channels;
    }
}
