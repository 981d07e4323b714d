package dev.sluice.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.ConfigurationException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PlacesTest {

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

    @Test
    void thereAreSoManyPlacesAndNoMore() {
        Places places = new Places(2, 2, 9, metrics);
        Place one = new Place(places);
        assertThat(one.take(null)).isNull();
        assertThat(new Place(places).take(null)).isNull();
        assertThat(new Place(places).take(null)).isEqualTo(Places.Full.EVERYBODY);
        assertThat(refused("connections")).isEqualTo(1);
        one.leave();
        assertThat(new Place(places).take(null)).isNull();
    }

    @Test
    void whoeverHasAuthenticatedMakesRoomForAnotherStranger() {
        Places places = new Places(9, 1, 9, metrics);
        Place one = new Place(places);
        Place two = new Place(places);
        assertThat(one.take(null)).isNull();
        assertThat(two.take(null)).isEqualTo(Places.Full.STRANGERS);
        assertThat(refused("unauthenticated")).isEqualTo(1);
        one.authenticated();
        assertThat(two.take(null)).isNull();
    }

    @Test
    void anAddressHasItsShareAndOthersHaveTheirs() {
        Places places = new Places(9, 9, 1, metrics);
        Place one = new Place(places);
        assertThat(one.take("a")).isNull();
        assertThat(new Place(places).take("a")).isEqualTo(Places.Full.ADDRESS);
        assertThat(refused("connections-per-address")).isEqualTo(1);
        assertThat(new Place(places).take("b")).isNull();
        one.leave();
        assertThat(new Place(places).take("a")).isNull();
    }

    @Test
    void whateverIsSaidTwiceCountsOnce() {
        Places places = new Places(9, 9, 9, metrics);
        Place known = new Place(places);
        known.take("a");
        known.authenticated();
        known.authenticated();
        Place stranger = new Place(places);
        stranger.take("a");
        for (int i = 0; i < 2; i++) {
            known.leave();
            known.authenticated();
            stranger.leave();
        }
        new Place(places).leave();
        assertThat(places.isEmpty()).isTrue();
    }

    @Test
    void aPlaceMayBeTakenAgain() {
        Places places = new Places(1, 1, 1, metrics);
        Place place = new Place(places);
        for (int i = 0; i < 3; i++) {
            assertThat(place.take("a")).isNull();
            place.leave();
        }
        assertThat(places.isEmpty()).isTrue();
    }

    @Test
    void manyAtOnceCannotPassALimit() throws Exception {
        int threads = 4;
        Places places = new Places(3, 2, 2, metrics);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                String address = "address " + t % 2;
                all.add(executor.submit(() -> {
                    for (int i = 0; i < 100_000; i++) {
                        Place place = new Place(places);
                        if (place.take(address) == null) {
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

    @Test
    void roomForNobodyIsAMistake() {
        assertThatThrownBy(() -> new Places(0, 1, 1, metrics)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> new Places(1, 0, 1, metrics)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> new Places(1, 1, 0, metrics)).isInstanceOf(ConfigurationException.class);
    }

    private double refused(String limit) {
        return metrics.get("sluice.refused").tag("limit", limit).counter().count();
    }
}
