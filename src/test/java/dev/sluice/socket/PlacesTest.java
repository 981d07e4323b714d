package dev.sluice.socket;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PlacesTest {

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final List<String> evicted = new CopyOnWriteArrayList<>();

    @Test
    void thereAreSoManyPlacesAndNoMore() {
        Places places = new Places(2, 2, 9, metrics);
        Place one = place(places);
        assertThat(one.take(null, false)).isNull();
        assertThat(place(places).take(null, false)).isNull();
        assertThat(place(places).take(null, false)).isEqualTo(Places.Full.EVERYBODY);
        assertThat(refused("connections")).isEqualTo(1);
        one.leave();
        assertThat(place(places).take(null, false)).isNull();
    }

    @Test
    void oneMoreSilentPlaceEvictsTheOldest() {
        Places places = new Places(9, 2, 9, metrics);
        Place oldest = place(places, "oldest");
        assertThat(oldest.take(null, false)).isNull();
        place(places, "second").take(null, false);
        assertThat(evicted).isEmpty();
        assertThat(place(places, "third").take(null, false)).isNull();
        assertThat(evicted).containsExactly("oldest");
        assertThat(refused("unauthenticated")).isEqualTo(1);
        oldest.leave();
        assertThat(place(places, "fourth").take(null, false)).isNull();
        assertThat(evicted).containsExactly("oldest", "second");
    }

    @Test
    void anUpgradeThatFindsAllPlacesTakenEvictsTheOldestSilentOneForTheNext() {
        Places places = new Places(3, 9, 9, Duration.ZERO, metrics);
        Place decided = place(places, "decided");
        decided.take(null, false);
        decided.decided();
        Place[] silent = new Place[1];
        silent[0] = new Place(places, Runnable::run, () -> silent[0].leave());
        assertThat(silent[0].take(null, false)).isNull();
        place(places, "newer").take(null, false);
        Place refused = place(places);
        assertThat(refused.take(null, true)).isEqualTo(Places.Full.EVERYBODY);
        assertThat(refused("connections")).isEqualTo(1);
        assertThat(refused("unauthenticated")).isEqualTo(1);
        assertThat(refused.take(null, true)).isNull();
        assertThat(evicted).isEmpty();
        assertThat(place(places).take(null, true)).isEqualTo(Places.Full.EVERYBODY);
        assertThat(evicted).containsExactly("newer");
    }

    @Test
    void aSilentConnectionHasTimeToAuthenticateWhereAllPlacesAreTaken() {
        Places places = new Places(1, 9, 9, Duration.ofHours(1), metrics);
        place(places, "silent").take(null, false);
        assertThat(place(places).take(null, true)).isEqualTo(Places.Full.EVERYBODY);
        assertThat(evicted).isEmpty();
    }

    @Test
    void aPlaceThatIsDecidedIsNotEvicted() {
        Places places = new Places(9, 1, 9, metrics);
        Place decided = place(places, "decided");
        decided.take(null, false);
        decided.decided();
        place(places, "silent").take(null, false);
        assertThat(evicted).isEmpty();
        assertThat(refused("unauthenticated")).isZero();
    }

    @Test
    void aPlaceWithATokenDoesNotCompeteWithSilentOnes() {
        Places places = new Places(9, 1, 9, metrics);
        place(places, "silent").take(null, false);
        place(places, "upgrade with a token").take(null, true);
        assertThat(evicted).isEmpty();
        place(places, "another upgrade with a token").take(null, true);
        assertThat(evicted).containsExactly("upgrade with a token");
        Place authenticating = place(places, "auth message");
        authenticating.take(null, false);
        assertThat(evicted).last().isEqualTo("silent");
        authenticating.verifying();
        assertThat(evicted).last().isEqualTo("another upgrade with a token");
        place(places, "silent again").take(null, false);
        assertThat(evicted).doesNotContain("auth message");
    }

    @Test
    void aPlaceThatShowsATokenBeforeItsEvictionIsRunStays() {
        Places places = new Places(9, 1, 9, metrics);
        List<Runnable> tasks = new ArrayList<>();
        Place place = new Place(places, tasks::add, () -> evicted.add("it"));
        place.take(null, false);
        place(places, "newer").take(null, false);
        place.verifying();
        tasks.forEach(Runnable::run);
        assertThat(evicted).isEmpty();
        place.leave();
    }

    @Test
    void whatIsToBeDoneOnEvictionCanBeSaidAndIsForgottenWithThePlace() {
        Places places = new Places(9, 1, 9, metrics);
        Place place = place(places, "closed");
        place.take(null, true);
        place.onEviction(() -> evicted.add("answered"));
        place(places, "newer").take(null, true);
        assertThat(evicted).containsExactly("answered");
        place.leave();
        place.take(null, false);
        place(places, "silent").take(null, false);
        assertThat(evicted).containsExactly("answered", "closed");
    }

    @Test
    void anAddressHasItsShareAndOthersHaveTheirs() {
        Places places = new Places(9, 9, 1, metrics);
        Place one = place(places);
        assertThat(one.take("a", false)).isNull();
        assertThat(place(places).take("a", false)).isEqualTo(Places.Full.ADDRESS);
        assertThat(refused("connections-per-address")).isEqualTo(1);
        assertThat(place(places).take("b", false)).isNull();
        one.leave();
        assertThat(place(places).take("a", false)).isNull();
    }

    @Test
    void whateverIsSaidTwiceCountsOnce() {
        Places places = new Places(9, 9, 9, metrics);
        Place known = place(places);
        known.take("a", false);
        known.decided();
        known.decided();
        Place stranger = place(places);
        stranger.take("a", false);
        for (int i = 0; i < 2; i++) {
            known.leave();
            known.decided();
            stranger.leave();
        }
        place(places).leave();
        assertThat(places.isEmpty()).isTrue();
    }

    @Test
    void aPlaceMayBeTakenAgain() {
        Places places = new Places(1, 1, 1, metrics);
        Place place = place(places);
        for (int i = 0; i < 3; i++) {
            assertThat(place.take("a", false)).isNull();
            place.leave();
        }
        assertThat(places.isEmpty()).isTrue();
    }

    @Test
    void manyAtOnceCannotPassALimit() throws Exception {
        int threads = 4;
        Places places = new Places(2, 9, 2, metrics);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                String address = "address " + t % 2;
                all.add(executor.submit(() -> {
                    for (int i = 0; i < 100_000; i++) {
                        Place place = place(places);
                        if (place.take(address, false) == null) {
                            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                            inside.decrementAndGet();
                            place.leave();
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
        assertThat(places.isEmpty()).isTrue();
    }

    private Place place(Places places) {
        return place(places, "");
    }

    private Place place(Places places, String name) {
        return new Place(places, Runnable::run, () -> evicted.add(name));
    }

    private double refused(String limit) {
        return metrics.get("sluice.refused").tag("limit", limit).counter().count();
    }
}
