package dev.sluice.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.route.Channel;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PublicationBatchTest {

    private static final Channel CHANNEL = TestOutboxFactory.channel("upload:1");

    @Test
    void keepsItsPublicationsInOrder() {
        PublicationBatch batch = run(LongStream.rangeClosed(1, 100).toArray());
        assertThat(batch.count()).isEqualTo(100);
        assertThat(sequences(batch))
                .containsExactly(LongStream.rangeClosed(1, 100).toArray());
        assertThat(batch.first().sequence()).isEqualTo(1);
        assertThat(batch.last().sequence()).isEqualTo(100);
        assertThat(batch.channel()).isEqualTo(CHANNEL);
    }

    @Test
    void newReceiverGetsTheWholeBatch() {
        PublicationBatch batch = run(5, 7, 9);
        assertThat(batch.after(0)).isSameAs(batch);
        assertThat(batch.after(4)).isSameAs(batch);
    }

    @Test
    void receiverOfAPartGetsTheRest() {
        PublicationBatch batch = run(5, 7, 9);
        assertThat(sequences(rest(batch, 5))).containsExactly(7, 9);
        assertThat(sequences(rest(batch, 6))).containsExactly(7, 9);
        assertThat(sequences(rest(batch, 7))).containsExactly(9);
        assertThat(rest(batch, 7).channel()).isEqualTo(CHANNEL);
        assertThat(sequences(batch)).as("shared by all, so never changed").containsExactly(5, 7, 9);
    }

    @Test
    void receiverOfAllGetsNothing() {
        PublicationBatch batch = run(5, 7, 9);
        assertThat(batch.after(9)).isNull();
        assertThat(batch.after(100)).isNull();
    }

    @Test
    void lengthIncludesFrameHeaders() {
        PublicationBatch batch = new PublicationBatch(CHANNEL, payload(1, 0));
        assertThat(batch.length()).isEqualTo(2);
        batch.add(payload(2, 125));
        assertThat(batch.length()).isEqualTo(2 + 127);
        batch.add(payload(3, 126));
        assertThat(batch.length()).isEqualTo(2 + 127 + 130);
        batch.add(payload(4, 65_535));
        batch.add(payload(5, 65_536));
        assertThat(batch.length()).isEqualTo(2 + 127 + 130 + 65_539 + 65_546);
        assertThat(batch.payloadBytes()).isEqualTo(125 + 126 + 65_535 + 65_536);
        assertThat(rest(batch, 3).length()).isEqualTo(65_539 + 65_546);
        assertThat(batch.cost()).isEqualTo(batch.length() + Frame.OVERHEAD);
    }

    private static PublicationBatch rest(PublicationBatch batch, long sequence) {
        return Objects.requireNonNull(batch.after(sequence));
    }

    private static long[] sequences(PublicationBatch batch) {
        return IntStream.range(0, batch.count())
                .mapToLong(i -> batch.get(i).sequence())
                .toArray();
    }

    private static PublicationBatch run(long... sequences) {
        PublicationBatch batch = new PublicationBatch(CHANNEL, payload(sequences[0], 1));
        for (int i = 1; i < sequences.length; i++) {
            batch.add(payload(sequences[i], 1));
        }
        return batch;
    }

    private static Payload payload(long sequence, int length) {
        return Payload.of(sequence, null, new byte[length], 0);
    }
}
