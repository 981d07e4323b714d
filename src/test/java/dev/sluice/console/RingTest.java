package dev.sluice.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RingTest {

    private final Ring<String> ring = new Ring<>(3);

    @Test
    void returnsNewEntriesInOrder() {
        ring.add("a");
        ring.add("b");
        assertThat(ring.between(0, ring.added())).containsExactly("a", "b");
        long seen = ring.added();
        assertThat(ring.between(seen, ring.added())).isEmpty();
        ring.add("c");
        assertThat(ring.between(seen, ring.added())).containsExactly("c");
    }

    @Test
    void keepsOnlyTheLastEntries() {
        for (String one : new String[] {"a", "b", "c", "d", "e"}) {
            ring.add(one);
        }
        assertThat(ring.between(0, ring.added())).containsExactly("c", "d", "e");
        assertThat(ring.between(4, ring.added())).containsExactly("e");
    }

    @Test
    void returnsLaterEntriesOnTheNextCall() {
        ring.add("a");
        long end = ring.added();
        ring.add("b");
        assertThat(ring.between(0, end)).containsExactly("a");
    }
}
