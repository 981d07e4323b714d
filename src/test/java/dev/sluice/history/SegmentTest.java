package dev.sluice.history;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SegmentTest {

    private final byte[] array = new byte[100];
    private final Segment segment = new Segment(1, array);

    @Test
    void arrayIsNotReusedWhileItIsRead() {
        assertThat(segment.pin()).isTrue();
        assertThat(segment.pin()).isTrue();
        assertThat(segment.close()).isNull();
        segment.unpin();
        assertThat(segment.close()).isNull();
        segment.unpin();
        assertThat(segment.close()).isSameAs(array);
    }

    @Test
    void closedSegmentCannotBePinned() {
        assertThat(segment.close()).isSameAs(array);
        assertThat(segment.pin()).isFalse();
        assertThat(segment.close()).isNull();
    }

    @Test
    void addressEncodesSegmentAndOffset() {
        long address = Segment.address(Integer.MAX_VALUE, Integer.MAX_VALUE);
        assertThat(Segment.number(address)).isEqualTo(Integer.MAX_VALUE);
        assertThat(Segment.index(address)).isEqualTo(Integer.MAX_VALUE);
        assertThat(new Segment(Integer.MAX_VALUE, array).holds(address)).isTrue();
        assertThat(segment.holds(address)).isFalse();
    }
}
