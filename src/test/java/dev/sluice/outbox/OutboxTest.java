package dev.sluice.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sluice.route.Channel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OutboxTest {

    private static final int MAX = 256 * 1024;
    private static final Duration STALL = Duration.ofHours(1);
    private static final Channel UPLOAD = TestOutboxFactory.channel("upload:1");
    private static final Channel OTHER = TestOutboxFactory.channel("upload:2");
    private static final Channel USER = TestOutboxFactory.channel("user:7");

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Loop loop = new Loop(0, tasks::add);
    private final RecordingFrameWriter writer = new RecordingFrameWriter();
    private final List<Disconnect> failures = new ArrayList<>();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final Outbox outbox = outbox(MAX, STALL, metrics);

    // Flushing.

    @Test
    void writesInTheOrderOfSending() {
        outbox.send(Frame.text("one"));
        outbox.send(run(UPLOAD, 1));
        outbox.send(new Frame.Pong(new byte[0]));
        outbox.send(run(USER, 2, 3));
        outbox.send(new Frame.Ping());
        outbox.send(Frame.text("two"));
        assertThat(writer.sent).containsExactly("one", "1", "Pong", "2", "3", "Ping", "two");
    }

    @Test
    void batchIsFlushedOnceAtItsEnd() {
        RecordingFrameWriter neighbour = new RecordingFrameWriter();
        Outbox next = TestOutboxFactory.standard().open(neighbour, loop, failures::add);
        loop.runThenFlush(() -> {
            for (int i = 1; i <= 50; i++) {
                outbox.send(run(UPLOAD, i));
                next.send(run(UPLOAD, i));
            }
            assertThat(writer.flushes).isZero();
        });
        assertThat(writer.flushes).isEqualTo(1);
        assertThat(neighbour.flushes).isEqualTo(1);
        assertThat(tasks).as("nothing left to do").isEmpty();
        loop.runThenFlush(() -> {});
        assertThat(writer.flushes).as("nothing new").isEqualTo(1);
    }

    @Test
    void flushOutsideABatchIsScheduledOnce() {
        outbox.send(run(UPLOAD, 1));
        outbox.send(run(UPLOAD, 2));
        assertThat(writer.flushes).isZero();
        assertThat(tasks).hasSize(1);
        runTasks();
        assertThat(writer.flushes).isEqualTo(1);
        outbox.send(run(UPLOAD, 3));
        runTasks();
        assertThat(writer.flushes).isEqualTo(2);
    }

    @Test
    void writesAreFlushedOnce() {
        outbox.send(Frame.text("scheduled"));
        loop.runThenFlush(() -> outbox.send(Frame.text("in a batch")));
        assertThat(writer.flushes).isEqualTo(1);
        runTasks();
        assertThat(writer.flushes).isEqualTo(1);
    }

    @Test
    void largeWritesAreFlushedDuringTheBatch() {
        loop.runThenFlush(() -> {
            for (int i = 0; i < 10; i++) {
                outbox.send(frameOfCost(Outbox.HIGH_WATER_MARK));
            }
            assertThat(writer.flushes).isEqualTo(10);
        });
        assertThat(writer.flushes).as("nothing is flushed twice").isEqualTo(10);
    }

    @Test
    void flushesContinueAfterAFailedBatch() {
        assertThat(catchThrowable(() -> loop.runThenFlush(() -> {
                    outbox.send(Frame.text("before"));
                    throw new IllegalStateException("made by the test");
                })))
                .hasMessage("made by the test");
        assertThat(writer.flushes).isEqualTo(1);
        outbox.send(Frame.text("after"));
        runTasks();
        assertThat(writer.flushes).isEqualTo(2);
    }

    @Test
    void lastFrameIsFlushedAtOnceWithThoseBefore() {
        loop.runThenFlush(() -> {
            outbox.send(run(UPLOAD, 1));
            outbox.sendLast(run(UPLOAD, 2));
            assertThat(writer.flushes).isEqualTo(1);
            assertThat(writer.waiting).isZero();
        });
        assertThat(writer.flushes).as("nothing is left").isEqualTo(1);
        outbox.sendLast(run(UPLOAD, 3));
        runTasks();
        assertThat(writer.sent).containsExactly("1", "2", "3");
        assertThat(writer.flushes).isEqualTo(2);
    }

    @Test
    void lastFrameWaitsForTheEndOfTheTaskWhileAFlushIsUnderWay() {
        writer.fill();
        loop.runThenFlush(() -> outbox.send(run(UPLOAD, 1)));
        loop.runThenFlush(() -> {
            outbox.sendLast(run(UPLOAD, 2));
            assertThat(writer.flushes).isEqualTo(1);
        });
        assertThat(writer.flushes).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void failedFlushDoesNotAffectOtherConnections(boolean error) {
        Outbox broken = TestOutboxFactory.standard().open(new Unflushable(error), loop, failures::add);
        Outbox other = TestOutboxFactory.standard().open(new Unflushable(error), loop, failures::add);
        loop.runThenFlush(() -> {
            broken.send(Frame.text("x"));
            other.sendLast(Frame.text("x"));
            outbox.send(Frame.text("y"));
        });
        assertThat(failures).containsExactly(Disconnect.INTERNAL_ERROR, Disconnect.INTERNAL_ERROR);
        assertThat(writer.flushes).isEqualTo(1);
        outbox.send(Frame.text("z"));
        runTasks();
        assertThat(writer.flushes).as("the loop goes on").isEqualTo(2);
    }

    // A route with overflow=latest.

    @Test
    void fullSocketGetsOnlyTheNewestPublicationAfterDraining() {
        fillSocket();
        for (int i = 1; i <= 5; i++) {
            outbox.send(run(UPLOAD, i));
        }
        assertThat(writer.sent).isEmpty();
        drain();
        assertThat(writer.sent).containsExactly(missed(UPLOAD, 4), "5");
        assertThat(missed()).isEqualTo(4);
        outbox.send(run(UPLOAD, 6));
        assertThat(writer.sent).last().isEqualTo("6");
    }

    @Test
    void missedIsNotReportedWithoutADrop() {
        fillSocket();
        outbox.send(run(UPLOAD, 1));
        drain();
        assertThat(writer.sent).containsExactly("1");
        assertThat(missed()).isZero();
        fillSocket();
        outbox.send(run(UPLOAD, 2));
        outbox.send(run(UPLOAD, 3));
        drain();
        assertThat(writer.sent).as("counted anew").containsExactly(missed(UPLOAD, 1), "3");
    }

    @Test
    void dropsWithinBatchesAreCounted() {
        fillSocket();
        outbox.send(run(UPLOAD, 1, 2, 3));
        outbox.send(run(UPLOAD, 4));
        outbox.send(run(UPLOAD, 5, 6));
        drain();
        assertThat(writer.sent).containsExactly(missed(UPLOAD, 5), "6");
        assertThat(missed()).isEqualTo(5);
    }

    @Test
    void channelsWaitInTheOrderOfTheirFirstPublication() {
        fillSocket();
        outbox.send(run(UPLOAD, 1));
        outbox.send(run(OTHER, 2));
        outbox.send(run(UPLOAD, 3));
        drain();
        assertThat(writer.sent).containsExactly(missed(UPLOAD, 1), "3", "2");
    }

    @Test
    void closePolicyQueuesBehindAFullSocket() {
        fillSocket();
        outbox.send(run(UPLOAD, 1));
        outbox.send(run(USER, 2, 3));
        outbox.send(Frame.text("answer"));
        assertThat(writer.sent).containsExactly("2", "3", "answer");
        drain();
        assertThat(writer.sent).containsExactly("2", "3", "answer", "1");
    }

    @Test
    void laterFramesDoNotOvertakeHeldPublications() {
        fillSocket();
        outbox.send(run(UPLOAD, 1));
        outbox.send(run(OTHER, 2));
        // Written from within a callback of the wire, while publications are held.
        writer.takeOne();
        outbox.send(run(UPLOAD, 3));
        outbox.send(run(OTHER, 4));
        drain();
        assertThat(writer.sent).containsExactly("1", "2", "3", "4");
    }

    @ParameterizedTest
    @CsvSource({"65535, false", "65536, true"})
    void socketIsFullAt64K(int inFlight, boolean full) {
        writer.fill();
        outbox.send(frameOfCost(30_000));
        runTasks();
        outbox.send(frameOfCost(inFlight - 30_000));
        runTasks();
        writer.sent.clear();
        outbox.send(run(UPLOAD, 1));
        outbox.send(run(UPLOAD, 2));
        assertThat(writer.sent.isEmpty()).isEqualTo(full);
    }

    @Test
    void unflushedBytesCountTowardsTheLimit() {
        writer.fill();
        outbox.send(frameOfCost(30_000));
        runTasks();
        outbox.send(frameOfCost(35_536));
        writer.sent.clear();
        outbox.send(run(UPLOAD, 1));
        assertThat(writer.sent).isEmpty();
        assertThat(writer.flushes).as("flushed first").isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({"32769, false", "32768, true"})
    void fullSocketMustDrainTo32K(int left, boolean released) {
        writer.fill();
        outbox.send(frameOfCost(40_000));
        runTasks();
        outbox.send(frameOfCost(left));
        runTasks();
        writer.sent.clear();
        outbox.send(run(UPLOAD, 1));
        assertThat(writer.sent).isEmpty();
        writer.takeOne();
        assertThat(writer.sent).isEqualTo(released ? List.of("1") : List.of());
        drain();
        assertThat(writer.sent).containsExactly("1");
    }

    @Test
    void releaseStopsWhenTheSocketIsFull() {
        fillSocket();
        for (int i = 0; i < 8; i++) {
            outbox.send(new PublicationBatch(TestOutboxFactory.channel("upload:" + i), payload(i, 20_000)));
        }
        writer.takeOne();
        runTasks();
        assertThat(writer.sent).as("four reach 64K").hasSize(4);
        writer.drain();
        runTasks();
        assertThat(writer.sent).hasSize(8);
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 5})
    void retainedPublicationNeverReplacesANewerOne(long kept) {
        fillSocket();
        outbox.send(run(UPLOAD, 3));
        outbox.send(run(UPLOAD, 5));
        outbox.send(run(UPLOAD, kept));
        drain();
        assertThat(writer.sent).containsExactly(missed(UPLOAD, 1), "5");
        assertThat(missed()).isEqualTo(1);
    }

    @Test
    void unsubscribeDiscardsHeldPublications() {
        fillSocket();
        double before = pending();
        outbox.send(run(UPLOAD, 1, 2));
        outbox.send(run(OTHER, 3));
        outbox.forget(UPLOAD);
        outbox.forget(UPLOAD);
        outbox.forget(USER);
        outbox.send(Frame.text("unsubscribed"));
        drain();
        assertThat(writer.sent).containsExactly("unsubscribed", "3");
        fillSocket();
        assertThat(pending()).isEqualTo(before);
        outbox.send(run(UPLOAD, 4));
        drain();
        assertThat(writer.sent).as("what was missed is forgotten too").containsExactly("4");
    }

    @Test
    void publicationAfterADiscardStillWaits() {
        fillSocket();
        outbox.send(run(UPLOAD, 1));
        outbox.forget(UPLOAD);
        outbox.send(run(UPLOAD, 2));
        outbox.send(run(UPLOAD, 3));
        assertThat(writer.sent).isEmpty();
        drain();
        assertThat(writer.sent).containsExactly(missed(UPLOAD, 1), "3");
    }

    // The bound in memory.

    @Test
    void closePolicyQueuesUpToTheBound() {
        writer.fill();
        int sent = 0;
        int cost = run(USER, 1000).cost();
        while (failures.isEmpty()) {
            outbox.send(run(USER, 1000 + sent++ % 1000));
            assertThat(writer.waiting).isLessThanOrEqualTo(MAX);
        }
        assertThat(failures).containsExactly(Disconnect.OUTBOX_FULL);
        assertThat(writer.waiting).as("not before it had to").isGreaterThan(MAX - cost);
        assertThat(writer.sent).hasSize(sent - 1);
        outbox.send(run(USER, 1));
        outbox.send(run(UPLOAD, 2));
        outbox.send(Frame.text("x"));
        runTasks();
        drain();
        assertThat(writer.sent).as("nothing after").hasSize(sent - 1);
        assertThat(failures).hasSize(1);
    }

    @Test
    void fastReaderIsNeverClosed() {
        for (int i = 0; i < 1000; i++) {
            outbox.send(frameOfCost(MAX / 2));
        }
        assertThat(failures).isEmpty();
        loop.runThenFlush(() -> {
            for (int i = 0; i < 100_000; i++) {
                outbox.send(run(USER, i));
            }
        });
        assertThat(failures).isEmpty();
        assertThat(pending()).isZero();
    }

    @Test
    void unreadPongsCountTowardsTheBound() {
        writer.fill();
        byte[] ping = new byte[125];
        for (int i = 0; i < 100_000; i++) {
            outbox.send(new Frame.Pong(ping));
            assertThat(writer.waiting).isLessThanOrEqualTo(MAX);
        }
        assertThat(failures).containsExactly(Disconnect.OUTBOX_FULL);
    }

    @Test
    void heldChannelsCountTowardsTheBound() {
        fillSocket();
        for (int i = 0; failures.isEmpty(); i++) {
            outbox.send(new PublicationBatch(TestOutboxFactory.channel("upload:" + i), payload(i, 0)));
            assertThat(pending()).isLessThanOrEqualTo(MAX);
            assertThat(i).isLessThan(MAX / Frame.OVERHEAD);
        }
        assertThat(failures).containsExactly(Disconnect.OUTBOX_FULL);
        assertThat(writer.sent).isEmpty();
    }

    @Test
    void releaseStaysWithinTheBound() {
        writer.fill();
        outbox.send(frameOfCost(40_000));
        runTasks();
        outbox.send(frameOfCost(Outbox.HIGH_WATER_MARK / 2 + 1));
        runTasks();
        holdAllThatFits();
        writer.takeOne();
        holdAllThatFits();
        writer.sent.clear();
        // Each comes with a missed message, which needs room as well.
        while (writer.takeOne()) {
            runTasks();
            assertThat(pending()).isLessThanOrEqualTo(MAX);
            assertThat(writer.waiting).isLessThanOrEqualTo(MAX);
        }
        assertThat(failures).isEmpty();
        assertThat(writer.sent).filteredOn(sent -> sent.contains("missed")).hasSizeGreaterThan(300);
        assertThat(pending()).isZero();
    }

    /** A publication of each channel is missed. */
    @Test
    void smallestBoundStillConflates() {
        int smallest = 16 * 1024;
        Outbox small = outbox(smallest, STALL, metrics);
        writer.fill();
        for (int i = 0; i < 1000; i++) {
            small.send(new PublicationBatch(UPLOAD, payload(i, 500)));
            runTasks();
            assertThat(pending()).isLessThanOrEqualTo(smallest);
        }
        assertThat(failures).isEmpty();
        writer.open();
        runTasks();
        assertThat(writer.sent.get(writer.sent.size() - 2)).contains("missed");
        assertThat(pending()).isZero();
    }

    private void holdAllThatFits() {
        for (int i = 0; pending() + 2000 < MAX; i++) {
            // Letters that take six bytes each in JSON.
            Channel channel = TestOutboxFactory.channel("upload:" + "\001".repeat(i % 50) + pending());
            outbox.send(new PublicationBatch(channel, payload(2L * i, 1)));
            outbox.send(new PublicationBatch(channel, payload(2L * i + 1, 1)));
        }
        assertThat(failures).isEmpty();
    }

    @Test
    void closingStaysWithinTheBound() {
        fillSocket();
        holdAllThatFits();
        outbox.close(new Close(1012, "going"));
        assertThat(writer.sent).filteredOn(sent -> sent.contains("missed")).hasSizeGreaterThan(200);
        assertThat(writer.waiting).isLessThanOrEqualTo(MAX);
        assertThat(pending()).isEqualTo((double) writer.waiting);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void boundsAndCountsHoldForRandomSequences(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        writer.fill();
        int[] offered = new int[40];
        int sequence = 0;
        for (int step = 0; step < 20_000; step++) {
            int action = random.nextInt(1000);
            int number = random.nextInt(40);
            Channel channel = TestOutboxFactory.channel("upload:" + number);
            if (action < 900) {
                PublicationBatch batch = new PublicationBatch(channel, payload(++sequence, 1 + random.nextInt(3000)));
                while (random.nextInt(3) == 0) {
                    batch.add(payload(++sequence, 1 + random.nextInt(3000)));
                }
                offered[number] += batch.count();
                outbox.send(batch);
            } else if (action < 910) {
                outbox.send(frameOfCost(400 + random.nextInt(5000)));
            } else if (action < 930) {
                writer.takeOne();
            } else if (action < 995) {
                runTasks();
            } else {
                writer.drain();
            }
            assertThat(writer.waiting).isLessThanOrEqualTo(MAX);
            assertThat(pending()).isLessThanOrEqualTo(MAX);
        }
        do {
            runTasks();
        } while (writer.takeOne());
        assertThat(failures).as("the seeds leave room enough").isEmpty();
        assertThat(pending()).isZero();
        for (int number = 0; number < offered.length; number++) {
            String missed = "{\"action\":\"missed\",\"channel\":\"upload:" + number + "\",\"count\":";
            int told = writer.sent.stream()
                    .filter(sent -> sent.startsWith(missed))
                    .mapToInt(sent -> Integer.parseInt(sent.substring(missed.length(), sent.length() - 1)))
                    .sum();
            offered[number] -= told;
        }
        long delivered =
                writer.sent.stream().filter(sent -> sent.startsWith("#")).count();
        assertThat(IntStream.of(offered).sum())
                .as("each is delivered or reported as missed")
                .isEqualTo((int) delivered);
        assertThat(missed()).isGreaterThan(1000);
    }

    // The bound in time.

    @Test
    void socketWithoutProgressIsStalled() {
        writer.fill();
        outbox.send(run(USER, 1));
        long before = System.nanoTime();
        runTasks();
        outbox.check(before + STALL.toNanos() - 1);
        assertThat(failures).isEmpty();
        outbox.check(System.nanoTime() + STALL.toNanos());
        outbox.check(System.nanoTime() + STALL.toNanos());
        assertThat(failures).containsExactly(Disconnect.STALLED);
    }

    @Test
    void progressRestartsTheStallTime() {
        writer.fill();
        outbox.send(run(USER, 1));
        runTasks();
        outbox.send(run(USER, 2));
        runTasks();
        long before = tick();
        writer.takeOne();
        outbox.check(before + STALL.toNanos());
        assertThat(failures).isEmpty();
        outbox.check(System.nanoTime() + STALL.toNanos());
        assertThat(failures).containsExactly(Disconnect.STALLED);
    }

    @Test
    void slowSocketWithProgressIsNotStalled() {
        Outbox slow = outbox(MAX, Duration.ofMinutes(1), metrics);
        long minute = Duration.ofMinutes(1).toNanos();
        writer.fill();
        slow.send(run(USER, 1));
        runTasks();
        long now = System.nanoTime();
        writer.trickles = true;
        for (int i = 0; i < 20; i++) {
            now += minute / 2;
            slow.check(now);
        }
        assertThat(failures).as("ten times the longest stall").isEmpty();
        writer.trickles = false;
        slow.check(now + minute - 1);
        assertThat(failures).isEmpty();
        slow.check(now + minute);
        assertThat(failures).containsExactly(Disconnect.STALLED);
    }

    @Test
    void flushHasATimeLimit() {
        Outbox slow = outbox(MAX, Duration.ofMinutes(1), metrics);
        writer.fill();
        writer.trickles = true;
        slow.send(run(USER, 1));
        long before = System.nanoTime();
        runTasks();
        long after = System.nanoTime();
        slow.check(before + TestOutboxFactory.MAX_FLUSH.toNanos() - 1);
        assertThat(failures).isEmpty();
        slow.check(after + TestOutboxFactory.MAX_FLUSH.toNanos());
        assertThat(failures).containsExactly(Disconnect.STALLED);
    }

    @Test
    void completedFlushRestartsTheTimeLimit() {
        Outbox slow = outbox(MAX, Duration.ofMinutes(1), metrics);
        writer.fill();
        writer.trickles = true;
        long before = System.nanoTime();
        slow.send(run(USER, 1));
        runTasks();
        slow.send(run(USER, 2));
        runTasks();
        tick();
        writer.takeOne();
        slow.check(before + TestOutboxFactory.MAX_FLUSH.toNanos());
        assertThat(failures).isEmpty();
    }

    @Test
    void newWritesDoNotRestartTheStallTime() {
        writer.fill();
        outbox.send(run(USER, 1));
        runTasks();
        long after = tick();
        outbox.send(run(USER, 2));
        runTasks();
        outbox.check(after + STALL.toNanos());
        assertThat(failures).containsExactly(Disconnect.STALLED);
    }

    @Test
    void loopChecksOnlyPendingOutboxes() {
        Outbox brief = outbox(MAX, Duration.ofMillis(1), new SimpleMeterRegistry());
        brief.send(run(USER, 1));
        runTasks();
        passes(Duration.ofMillis(2));
        loop.sweep();
        assertThat(failures).as("all was taken").isEmpty();
        writer.fill();
        brief.send(run(USER, 2));
        passes(Duration.ofMillis(2));
        loop.sweep();
        assertThat(failures).as("not yet flushed").isEmpty();
        runTasks();
        passes(Duration.ofMillis(2));
        loop.sweep();
        assertThat(failures).containsExactly(Disconnect.STALLED);
    }

    @Test
    void endedOutboxIsNotChecked() {
        Outbox brief = outbox(MAX, Duration.ofMillis(1), new SimpleMeterRegistry());
        writer.fill();
        brief.send(run(USER, 1));
        runTasks();
        brief.ended();
        passes(Duration.ofMillis(2));
        loop.sweep();
        assertThat(failures).isEmpty();
        assertThat(writer.cuts).isZero();
    }

    // Its end.

    @Test
    void closesAfterAllDataIsSent() {
        fillSocket();
        outbox.send(run(UPLOAD, 1, 2));
        outbox.send(Frame.text("bye"));
        outbox.close(new Close(1012, "going"));
        assertThat(writer.sent).containsExactly("bye", missed(UPLOAD, 1), "2");
        assertThat(writer.closes).containsExactly(1012);
        long all = writer.waiting;
        drain();
        assertThat(all).as("all of it flushed").isPositive();
        assertThat(writer.waiting).isZero();
        outbox.close(new Close(1011, "again"));
        outbox.send(Frame.text("late"));
        outbox.send(run(UPLOAD, 3));
        runTasks();
        assertThat(writer.sent).hasSize(3);
        assertThat(writer.closes).containsExactly(1012);
    }

    @Test
    void failedOutboxWritesNothingMore() {
        fillSocket();
        outbox.send(run(UPLOAD, 1));
        outbox.check(System.nanoTime() + STALL.toNanos());
        assertThat(failures).containsExactly(Disconnect.STALLED);
        outbox.close(new Close(4008, "too slow"));
        assertThat(writer.sent).isEmpty();
        assertThat(writer.closes).containsExactly(4008);
    }

    @Test
    void unreadCloseFrameIsCut() {
        fillSocket();
        long before = System.nanoTime();
        outbox.close(new Close(1012, "going"));
        outbox.check(before + Outbox.MAX_CLOSING_NANOS - 1);
        assertThat(writer.cuts).isZero();
        outbox.check(System.nanoTime() + Outbox.MAX_CLOSING_NANOS);
        assertThat(writer.cuts).isEqualTo(1);
        assertThat(failures).as("it was closed anyway").isEmpty();
    }

    @Test
    void clientThatDoesNotCloseIsCut() {
        outbox.close(new Close(1012, "going"));
        drain();
        outbox.check(System.nanoTime() + Outbox.MAX_CLOSING_NANOS);
        assertThat(writer.cuts).isEqualTo(1);
    }

    @Test
    void slowlyReadingClientDoesNotDelayTheCut() {
        writer.fill();
        for (int i = 0; i < 3; i++) {
            outbox.send(frameOfCost(1000));
            runTasks();
        }
        outbox.close(new Close(1012, "going"));
        long after = tick();
        writer.takeOne();
        outbox.check(after + Outbox.MAX_CLOSING_NANOS);
        assertThat(writer.cuts).isEqualTo(1);
    }

    @Test
    void endReleasesPendingBytes() {
        fillSocket();
        outbox.send(run(UPLOAD, 1, 2));
        outbox.send(run(OTHER, 3));
        runTasks();
        outbox.send(Frame.text("not flushed"));
        assertThat(pending()).isGreaterThan(Outbox.HIGH_WATER_MARK);
        outbox.ended();
        outbox.ended();
        assertThat(pending()).isZero();
        writer.fail(new IOException("closed"));
        assertThat(pending()).as("nothing is subtracted twice").isZero();
        assertThat(failures).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"full", "stalled", "failed", "closing"})
    void everyKindOfEndReleasesPendingBytes(String how) {
        fillSocket();
        outbox.send(run(UPLOAD, 1, 2));
        switch (how) {
            case "full" -> outbox.send(frameOfCost(MAX));
            case "stalled" -> outbox.check(System.nanoTime() + STALL.toNanos());
            case "failed" -> writer.fail(new IOException("reset"));
            default -> outbox.close(new Close(1012, "going"));
        }
        assertThat(failures).hasSize(how.equals("closing") ? 0 : 1);
        outbox.close(new Close(4008, "too slow"));
        outbox.ended();
        assertThat(pending()).isZero();
        drain();
        assertThat(pending()).isZero();
    }

    @Test
    void endFlushesTheWriterOnce() {
        outbox.send(Frame.text("not flushed"));
        outbox.ended();
        assertThat(writer.flushes).as("so that it frees its memory").isEqualTo(1);
        assertThat(writer.waiting).isZero();
        runTasks();
        assertThat(writer.flushes).isEqualTo(1);
        outbox.send(Frame.text("late"));
        outbox.close(new Close(1000, ""));
        assertThat(writer.sent).containsExactly("not flushed");
        assertThat(writer.closes).isEmpty();
    }

    @Test
    void resetWithThousandsOfWritesIsOneFailure() {
        writer.fill();
        SimpleMeterRegistry own = new SimpleMeterRegistry();
        Outbox large = outbox(1 << 24, STALL, own);
        for (int i = 0; i < 5000; i++) {
            large.send(Frame.text("x"));
            runTasks();
        }
        assertThat(writer.flushes).isEqualTo(5000);
        writer.fail(new IOException("reset"));
        assertThat(failures).containsExactly(Disconnect.CONNECTION_RESET);
        large.send(Frame.text("late"));
        assertThat(writer.sent).hasSize(5000);
        large.ended();
        assertThat(own.get("sluice.outbox.pending.bytes").gauge().value()).isZero();
    }

    private Outbox outbox(int maxBytes, Duration maxStall, MeterRegistry registry) {
        return TestOutboxFactory.with(maxBytes, maxStall, registry).open(writer, loop, failures::add);
    }

    private void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    /** Fills the socket: the kernel takes nothing more, and the maximum is under way. */
    private void fillSocket() {
        writer.fill();
        outbox.send(frameOfCost(Outbox.HIGH_WATER_MARK));
        writer.sent.clear();
    }

    private void drain() {
        runTasks();
        writer.open();
        runTasks();
    }

    private double pending() {
        return metrics.get("sluice.outbox.pending.bytes").gauge().value();
    }

    private double missed() {
        assertThat(metrics.get("sluice.missed").tag("route", "user").counter().count())
                .as("a route that drops nothing")
                .isZero();
        return metrics.get("sluice.missed").tag("route", "upload").counter().count();
    }

    private static String missed(Channel channel, int count) {
        return "{\"action\":\"missed\",\"channel\":\"" + channel + "\",\"count\":" + count + "}";
    }

    private static Frame frameOfCost(int cost) {
        int length = cost - Frame.OVERHEAD;
        int bytes = length - (length < 128 ? 2 : length < 65_540 ? 4 : 10);
        Frame frame = new Frame.Text(new byte[bytes]);
        assertThat(frame.cost()).isEqualTo(cost);
        return frame;
    }

    private static PublicationBatch run(Channel channel, long... sequences) {
        PublicationBatch batch = new PublicationBatch(channel, payload(sequences[0]));
        for (int i = 1; i < sequences.length; i++) {
            batch.add(payload(sequences[i]));
        }
        return batch;
    }

    private static Payload payload(long sequence) {
        return Payload.of(sequence, null, Long.toString(sequence).getBytes(StandardCharsets.UTF_8), 0);
    }

    private static Payload payload(long sequence, int length) {
        return Payload.of(sequence, null, "#".repeat(length).getBytes(StandardCharsets.UTF_8), 0);
    }

    /** Returns a time after all earlier and before all later ones. */
    private static long tick() {
        long before = System.nanoTime();
        passes(Duration.ofNanos(1));
        long tick = System.nanoTime();
        while (System.nanoTime() == tick) {
            Thread.onSpinWait();
        }
        assertThat(tick).isGreaterThan(before);
        return tick;
    }

    private static void passes(Duration time) {
        long start = System.nanoTime();
        while (System.nanoTime() - start <= time.toNanos()) {
            Thread.onSpinWait();
        }
    }

    private record Unflushable(boolean error) implements FrameWriter {
        @Override
        public void write(Frame frame) {}

        @Override
        public void flush(Done done) {
            if (error) {
                throw new AssertionError("made by the test");
            }
            throw new IllegalStateException("made by the test");
        }

        @Override
        public void close(int code, String reason) {}

        @Override
        public void cut() {}
    }
}
