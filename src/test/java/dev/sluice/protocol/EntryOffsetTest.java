package dev.sluice.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.EntryId;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EntryOffsetTest {

    /** The largest integer up to which JavaScript counts by one. */
    private static final long MAX_SAFE = (1L << 53) - 1;

    private static final long LAST_MILLIS = (1L << 41) - 1;

    @Test
    void offsetOfAnIdIsItsMillisecondsAndNumber() {
        assertThat(EntryOffset.of(new EntryId(1, 2))).isEqualTo(4_098);
        assertThat(EntryOffset.of(new EntryId(LAST_MILLIS, 4_095))).isEqualTo(MAX_SAFE);
    }

    @Test
    void idThatDoesNotFitHasNoOffset() {
        for (EntryId id : List.of(
                new EntryId(1, 4_096), new EntryId(LAST_MILLIS + 1, 0), new EntryId(-1, 0), new EntryId(1, -1))) {
            assertThat(EntryOffset.isOf(id)).as(id.toString()).isFalse();
        }
    }

    @Test
    void offsetOfOtherEpochsIsNone() {
        assertThat(EntryOffset.parse("_", 1)).isNull();
        assertThat(EntryOffset.parse(EntryOffset.EPOCH, -1)).isNull();
        assertThat(EntryOffset.parse(EntryOffset.EPOCH, MAX_SAFE + 1)).isNull();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void offsetsAreInTheOrderOfIdsAndNameThem(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 100_000; i++) {
            EntryId one = random(random);
            EntryId other = random(random);
            boolean precedes = one.precedes(other);
            long first = EntryOffset.of(one);
            long second = EntryOffset.of(other);
            assertThat(precedes ? first <= second : first >= second)
                    .as("%s and %s", one, other)
                    .isTrue();
            EntryId named = Objects.requireNonNull(EntryOffset.parse(EntryOffset.EPOCH, first));
            assertThat(named.equals(one)).isEqualTo(EntryOffset.isOf(one));
            assertThat(one.precedes(named)).isFalse();
            assertThat(first).isBetween(0L, MAX_SAFE);
        }
    }

    /** Returns an ID that is often close to a limit. */
    private static EntryId random(SplittableRandom random) {
        long[] millis = {0, 1, LAST_MILLIS, LAST_MILLIS + 1, -1, random.nextLong(), 1_700_000_000_000L};
        long[] numbers = {0, 1, 4_095, 4_096, -1, random.nextLong()};
        return new EntryId(millis[random.nextInt(millis.length)], numbers[random.nextInt(numbers.length)]);
    }

    @Test
    void epochOfAStreamWithoutEntriesHasTheTime() {
        long before = System.currentTimeMillis();
        String epoch = EntryOffset.epoch(EntryId.ZERO);
        EntryId empty = Objects.requireNonNull(EntryOffset.parse(epoch, EntryOffset.of(EntryId.ZERO)));
        assertThat(empty.emptyTime()).isBetween(before, System.currentTimeMillis());
        assertThat(EntryOffset.parse(epoch, EntryOffset.of(new EntryId(1_000, 1))))
                .as("the SDK keeps the epoch with later offsets")
                .isEqualTo(new EntryId(1_000, 1));
        assertThat(EntryOffset.epoch(new EntryId(1_000, 1))).isEqualTo(EntryOffset.EPOCH);
        assertThat(EntryOffset.parse(EntryOffset.EPOCH + ".", 0)).isNull();
        assertThat(EntryOffset.parse(EntryOffset.EPOCH + ".!", 0)).isNull();
        assertThat(EntryOffset.parse(EntryOffset.EPOCH + ".-1", 0))
                .as("would be everything")
                .isNull();
    }
}
