package dev.sluice.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.harness.Histories;
import dev.sluice.history.Replay.Entry;
import dev.sluice.history.Replay.Reason;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One thread publishes so fast that the whole history is evicted thousands of times a second, while others read it and
 * subscribe. The content follows from the position, so a reader knows what it must find.
 */
@Execution(ExecutionMode.CONCURRENT)
class HistoryStressTest {

    private static final int READERS = 3;
    private static final int RECOVERED_BY_EACH = Histories.of(1_000);
    private static final int PUBLISHED = 50_000;
    private static final int TICKS_OF_AN_ERA = 400;
    private static final int SEGMENT = 2048;
    private static final int MAX_BYTES = 32 * SEGMENT;
    private static final List<Channel> CHANNELS = IntStream.range(0, 12)
            .mapToObj(i -> TestOutboxFactory.channel("upload:" + i))
            .toList();

    /** A reader's subscription, and its deliveries. */
    private record Listener(int channel, Queue<Position> delivered) {}

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicReferenceArray<@Nullable Listener> listeners = new AtomicReferenceArray<>(READERS);
    private final AtomicInteger allocated = new AtomicInteger();
    private final AtomicInteger replayed = new AtomicInteger();
    private final AtomicInteger tooOld = new AtomicInteger();
    private final AtomicInteger handedOver = new AtomicInteger();
    private final History history = TestHistory.with(MAX_BYTES, 1 << 20, SEGMENT, this::allocate, System::nanoTime);
    private volatile boolean reading = true;
    private long published;

    @AfterEach
    void stop() throws InterruptedException {
        reading = false;
        threads.shutdownNow();
        assertThat(threads.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void readersRecoverExactlyThePublicationsTheyMissed(long seed) throws Exception {
        Future<?> writer = threads.submit(() -> write(seed));
        List<Future<?>> readers = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            int index = i;
            readers.add(threads.submit(() -> read(index, seed, new SplittableRandom(seed * 100 + index))));
        }
        for (Future<?> reader : readers) {
            reader.get(300, TimeUnit.SECONDS);
        }
        reading = false;
        writer.get(60, TimeUnit.SECONDS);
        assertThat(hasSeenAll()).isTrue();
        // Nearly all segments reuse arrays.
        assertThat(allocated.get()).isLessThan((int) (published * 150 / SEGMENT / 4));
    }

    /** A thread that is not scheduled for a while must not decide how much the others see. */
    private boolean hasSeenAll() {
        return replayed.get() > RECOVERED_BY_EACH && tooOld.get() > 0 && handedOver.get() > RECOVERED_BY_EACH / 10;
    }

    private boolean writes() {
        return reading || published < PUBLISHED;
    }

    private byte[] allocate(int length) {
        allocated.incrementAndGet();
        return new byte[length];
    }

    private void write(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int number = 0; writes(); number++) {
            Era era = new Era(seed, number);
            for (long tick = 1; tick <= TICKS_OF_AN_ERA && writes(); tick++) {
                write(era, tick, random);
            }
            if (random.nextBoolean()) {
                history.follow(null);
            }
        }
    }

    private void write(Era era, long tick, SplittableRandom random) {
        Position start = Position.of(era, tick, 0, nonce(era, tick));
        history.follow(start);
        int followed = 0;
        List<Position> appended = new ArrayList<>();
        int count = count(start);
        for (int message = 1; message <= count; message++) {
            Position position = position(start, message);
            int channel = channel(position);
            if (channel >= 0) {
                history.append(
                        ++published,
                        message - followed,
                        CHANNELS.get(channel),
                        TestHistory.publication(CHANNELS.get(channel), payload(position)),
                        System.nanoTime());
                appended.add(position);
            }
            boolean follows = random.nextInt(50) == 0;
            if (follows || message == count || random.nextInt(5) == 0) {
                commit(appended);
            }
            if (follows) {
                history.follow(position);
                followed = message;
            }
        }
    }

    /** Ends a batch: commits, and looks up the listeners. */
    private void commit(List<Position> appended) {
        history.commit();
        for (Position position : appended) {
            for (int i = 0; i < READERS; i++) {
                Listener listener = listeners.get(i);
                if (listener != null && listener.channel() == channel(position)) {
                    listener.delivered().add(position);
                }
            }
        }
        appended.clear();
    }

    private void read(int index, long seed, SplittableRandom random) {
        ArrayDeque<Position> known = new ArrayDeque<>();
        int recovered = 0;
        while (recovered < RECOVERED_BY_EACH || !hasSeenAll()) {
            Position head = history.head();
            if (head != null) {
                known.addFirst(head);
                if (known.size() > 20) {
                    known.removeLast();
                }
            }
            if (known.isEmpty()) {
                continue;
            }
            Position since = known.stream()
                    .skip(random.nextInt(known.size()))
                    .findFirst()
                    .orElseThrow();
            if (random.nextInt(4) == 0) {
                listen(index, since, random.nextInt(CHANNELS.size()));
            }
            List<Channel> channels = CHANNELS.subList(random.nextInt(6), 6 + random.nextInt(7));
            Replay replay = history.read(since, channels);
            if (replay instanceof Replay.Recovered found) {
                recovered++;
                replayed.addAndGet(check(found, since, channels));
            } else if (replay instanceof Replay.Refused refused) {
                assertThat(refused.reason()).as("seed %d", seed).isIn(Reason.TOO_OLD, Reason.MISMATCH, Reason.UNKNOWN);
                if (refused.reason() == Reason.TOO_OLD) {
                    tooOld.incrementAndGet();
                }
            }
            if (!reading) {
                return;
            }
        }
    }

    /** Subscribes, reads, and checks that the deliveries continue where the history ended. */
    private void listen(int index, Position since, int channel) {
        Queue<Position> delivered = new ConcurrentLinkedQueue<>();
        listeners.set(index, new Listener(channel, delivered));
        Replay replay = history.read(since, List.of(CHANNELS.get(channel)));
        if (replay instanceof Replay.Recovered found) {
            check(found, since, List.of(CHANNELS.get(channel)));
            Position first = firstAfter(found.upTo(), delivered);
            if (first != null && first.era().equals(found.upTo().era())) {
                handedOver.incrementAndGet();
                assertThat(first).isEqualTo(after(found.upTo(), channel));
            }
        }
        listeners.set(index, null);
    }

    private @Nullable Position firstAfter(Position upTo, Queue<Position> delivered) {
        while (reading) {
            Position position = delivered.poll();
            if (position != null && (!position.era().equals(upTo.era()) || position.offset() > upTo.offset())) {
                return position;
            }
            Thread.onSpinWait();
        }
        return null;
    }

    private static int check(Replay.Recovered found, Position since, List<Channel> channels) {
        List<String> expected = new ArrayList<>();
        Position at = since;
        while (at.offset() < found.upTo().offset()) {
            at = next(at);
            if (at.offset() <= found.upTo().offset()
                    && channel(at) >= 0
                    && channels.contains(CHANNELS.get(channel(at)))) {
                expected.add(CHANNELS.get(channel(at)) + " " + at + " " + payload(at));
            }
        }
        List<String> actual = new ArrayList<>();
        for (Entry entry : found.entries()) {
            actual.add(entry.channel() + " " + entry.payload().position() + " "
                    + new String(entry.payload().bytes(), StandardCharsets.US_ASCII));
        }
        assertThat(actual).as("since %s up to %s", since, found.upTo()).isEqualTo(expected);
        return actual.size();
    }

    /** Returns the next publication on the channel. */
    private static Position after(Position position, int channel) {
        Position at = next(position);
        while (channel(at) != channel) {
            at = next(at);
        }
        return at;
    }

    /** Returns the position of the next message or tick. */
    private static Position next(Position position) {
        Position start = Position.of(position.era(), position.tick(), 0, nonce(position.era(), position.tick()));
        int message = (int) (position.offset() - start.offset());
        long tick = position.tick() + 1;
        return message < count(start)
                ? position(start, message + 1)
                : Position.of(position.era(), tick, 0, nonce(position.era(), tick));
    }

    private static Position position(Position start, int message) {
        return new Position(start.era(), start.offset() + message, start.nonce());
    }

    private static long nonce(Era era, long tick) {
        return mix(era, tick);
    }

    private static int count(Position start) {
        return 50 + (int) (mix(start.era(), start.offset()) & 127);
    }

    /** Returns the channel; -1 for a message that is not kept, and for a tick. */
    private static int channel(Position position) {
        return (position.offset() & 0xFFFFFF) == 0
                ? -1
                : (int) (mix(position.era(), position.offset()) >>> 8 & 15) % (CHANNELS.size() + 1) - 1;
    }

    private static String payload(Position position) {
        int length = (int) (mix(position.era(), position.offset()) >>> 16 & 255);
        return position.offset() + "." + "x".repeat(length);
    }

    private static long mix(Era era, long number) {
        return new SplittableRandom(era.start() * 31 + era.random() * 1_000_003L + number).nextLong();
    }
}
