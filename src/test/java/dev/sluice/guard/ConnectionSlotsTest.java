package dev.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ConnectionSlotsTest {

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final List<String> evicted = new CopyOnWriteArrayList<>();

    @Test
    void slotsAreLimited() {
        ConnectionSlots slots = new ConnectionSlots(2, 2, 9, metrics);
        Slot one = slot(slots);
        assertThat(one.take(null, false)).isNull();
        assertThat(slot(slots).take(null, false)).isNull();
        assertThat(slot(slots).take(null, false)).isEqualTo(ConnectionSlots.Full.POD);
        assertThat(refused("connections")).isEqualTo(1);
        one.leave();
        assertThat(slot(slots).take(null, false)).isNull();
    }

    @Test
    void newSilentSlotEvictsTheOldest() {
        ConnectionSlots slots = new ConnectionSlots(9, 2, 9, metrics);
        Slot oldest = slot(slots, "oldest");
        assertThat(oldest.take(null, false)).isNull();
        slot(slots, "second").take(null, false);
        assertThat(evicted).isEmpty();
        assertThat(slot(slots, "third").take(null, false)).isNull();
        assertThat(evicted).containsExactly("oldest");
        assertThat(refused("unauthenticated")).isEqualTo(1);
        oldest.leave();
        assertThat(slot(slots, "fourth").take(null, false)).isNull();
        assertThat(evicted).containsExactly("oldest", "second");
    }

    @Test
    void fullPodEvictsTheOldestSilentSlot() {
        ConnectionSlots slots = new ConnectionSlots(3, 9, 9, Duration.ZERO, metrics);
        Slot decided = slot(slots, "decided");
        decided.take(null, false);
        decided.decided();
        Slot[] silent = new Slot[1];
        silent[0] = slot(slots, Runnable::run, () -> silent[0].leave());
        assertThat(silent[0].take(null, false)).isNull();
        slot(slots, "newer").take(null, false);
        Slot refused = slot(slots);
        assertThat(refused.take(null, true)).isEqualTo(ConnectionSlots.Full.POD);
        assertThat(refused("connections")).isEqualTo(1);
        assertThat(refused("unauthenticated")).isEqualTo(1);
        assertThat(refused.take(null, true)).isNull();
        assertThat(evicted).isEmpty();
        assertThat(slot(slots).take(null, true)).isEqualTo(ConnectionSlots.Full.POD);
        assertThat(evicted).containsExactly("newer");
    }

    @Test
    void newSilentConnectionIsNotEvictedFromAFullPod() {
        ConnectionSlots slots = new ConnectionSlots(1, 9, 9, Duration.ofHours(1), metrics);
        slot(slots, "silent").take(null, false);
        assertThat(slot(slots).take(null, true)).isEqualTo(ConnectionSlots.Full.POD);
        assertThat(evicted).isEmpty();
    }

    @Test
    void authenticatedSlotIsNotEvicted() {
        ConnectionSlots slots = new ConnectionSlots(9, 1, 9, metrics);
        Slot decided = slot(slots, "decided");
        decided.take(null, false);
        decided.decided();
        slot(slots, "silent").take(null, false);
        assertThat(evicted).isEmpty();
        assertThat(refused("unauthenticated")).isZero();
    }

    @Test
    void slotsWithAndWithoutTokenEvictSeparately() {
        ConnectionSlots slots = new ConnectionSlots(9, 1, 9, metrics);
        slot(slots, "silent").take(null, false);
        slot(slots, "upgrade with a token").take(null, true);
        assertThat(evicted).isEmpty();
        slot(slots, "another upgrade with a token").take(null, true);
        assertThat(evicted).containsExactly("upgrade with a token");
        Slot authenticating = slot(slots, "auth message");
        authenticating.take(null, false);
        assertThat(evicted).last().isEqualTo("silent");
        authenticating.verifying();
        assertThat(evicted).last().isEqualTo("another upgrade with a token");
        slot(slots, "silent again").take(null, false);
        assertThat(evicted).doesNotContain("auth message");
    }

    @Test
    void tokenBeforeTheEvictionSavesTheSlot() {
        ConnectionSlots slots = new ConnectionSlots(9, 1, 9, metrics);
        List<Runnable> tasks = new ArrayList<>();
        Slot slot = slot(slots, tasks::add, () -> evicted.add("it"));
        slot.take(null, false);
        slot(slots, "newer").take(null, false);
        slot.verifying();
        tasks.forEach(Runnable::run);
        assertThat(evicted).isEmpty();
        slot.leave();
    }

    @Test
    void releasedSlotDropsItsEvictionHandler() {
        ConnectionSlots slots = new ConnectionSlots(9, 1, 9, metrics);
        Slot slot = slot(slots, "closed");
        slot.take(null, true);
        slot.onEviction(() -> evicted.add("answered"));
        slot(slots, "newer").take(null, true);
        assertThat(evicted).containsExactly("answered");
        slot.leave();
        slot.take(null, false);
        slot(slots, "silent").take(null, false);
        assertThat(evicted).containsExactly("answered", "closed");
    }

    @Test
    void eachAddressHasItsOwnLimit() {
        ConnectionSlots slots = new ConnectionSlots(9, 9, 1, metrics);
        Slot one = slot(slots);
        assertThat(one.take("a", false)).isNull();
        assertThat(slot(slots).take("a", false)).isEqualTo(ConnectionSlots.Full.ADDRESS);
        assertThat(refused("connections-per-address")).isEqualTo(1);
        assertThat(slot(slots).take("b", false)).isNull();
        one.leave();
        assertThat(slot(slots).take("a", false)).isNull();
    }

    @Test
    void repeatedCallsCountOnce() {
        ConnectionSlots slots = new ConnectionSlots(9, 9, 9, metrics);
        Slot known = slot(slots);
        known.take("a", false);
        known.decided();
        known.decided();
        Slot unauthenticated = slot(slots);
        unauthenticated.take("a", false);
        for (int i = 0; i < 2; i++) {
            known.leave();
            known.decided();
            unauthenticated.leave();
        }
        slot(slots).leave();
        assertThat(slots.isEmpty()).isTrue();
    }

    @Test
    void releasedSlotMayBeReused() {
        ConnectionSlots slots = new ConnectionSlots(1, 1, 1, metrics);
        Slot slot = slot(slots);
        for (int i = 0; i < 3; i++) {
            assertThat(slot.take("a", false)).isNull();
            slot.leave();
        }
        assertThat(slots.isEmpty()).isTrue();
    }

    @Test
    void concurrentRequestsCannotExceedALimit() throws Exception {
        int threads = 4;
        ConnectionSlots slots = new ConnectionSlots(2, 9, 2, metrics);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                String address = "address " + t % 2;
                all.add(executor.submit(() -> {
                    for (int i = 0; i < 100_000; i++) {
                        Slot slot = slot(slots);
                        if (slot.take(address, false) == null) {
                            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                            inside.decrementAndGet();
                            slot.leave();
                        }
                    }
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        } finally {
            executor.shutdownNow();
        }
        assertThat(most).hasValueLessThanOrEqualTo(2);
        assertThat(slots.isEmpty()).isTrue();
    }

    private Slot slot(ConnectionSlots slots) {
        return slot(slots, "");
    }

    private Slot slot(ConnectionSlots slots, String name) {
        return slot(slots, Runnable::run, () -> evicted.add(name));
    }

    private static Slot slot(ConnectionSlots slots, Executor loop, Runnable onEviction) {
        return new Slot(slots, new Slot.Holder() {
            @Override
            public void evicted() {
                onEviction.run();
            }

            @Override
            public void execute(Runnable task) {
                loop.execute(task);
            }
        });
    }

    private double refused(String limit) {
        return metrics.get("sluice.refused").tag("limit", limit).counter().count();
    }
}
