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
        PublicationBatch run = run(LongStream.rangeClosed(1, 100).toArray());
        assertThat(run.count()).isEqualTo(100);
        assertThat(sequences(run))
                .containsExactly(LongStream.rangeClosed(1, 100).toArray());
        assertThat(run.first().sequence()).isEqualTo(1);
        assertThat(run.last().sequence()).isEqualTo(100);
        assertThat(run.channel()).isEqualTo(CHANNEL);
    }

    @Test
    void whoHasHadNothingOfItGetsItAsItIs() {
        PublicationBatch run = run(5, 7, 9);
        assertThat(run.after(0)).isSameAs(run);
        assertThat(run.after(4)).isSameAs(run);
    }

    @Test
    void whoHasHadSomeOfItGetsTheRest() {
        PublicationBatch run = run(5, 7, 9);
        assertThat(sequences(rest(run, 5))).containsExactly(7, 9);
        assertThat(sequences(rest(run, 6))).containsExactly(7, 9);
        assertThat(sequences(rest(run, 7))).containsExactly(9);
        assertThat(rest(run, 7).channel()).isEqualTo(CHANNEL);
        assertThat(sequences(run)).as("shared by all, so never changed").containsExactly(5, 7, 9);
    }

    @Test
    void whoHasHadAllOfItGetsNothing() {
        PublicationBatch run = run(5, 7, 9);
        assertThat(run.after(9)).isNull();
        assertThat(run.after(100)).isNull();
    }

    @Test
    void isAsLongAsItsMessagesWithTheirHeaders() {
        PublicationBatch run = new PublicationBatch(CHANNEL, payload(1, 0));
        assertThat(run.length()).isEqualTo(2);
        run.add(payload(2, 125));
        assertThat(run.length()).isEqualTo(2 + 127);
        run.add(payload(3, 126));
        assertThat(run.length()).isEqualTo(2 + 127 + 130);
        run.add(payload(4, 65_535));
        run.add(payload(5, 65_536));
        assertThat(run.length()).isEqualTo(2 + 127 + 130 + 65_539 + 65_546);
        assertThat(run.payloadBytes()).isEqualTo(125 + 126 + 65_535 + 65_536);
        assertThat(rest(run, 3).length()).isEqualTo(65_539 + 65_546);
        assertThat(run.cost()).isEqualTo(run.length() + Frame.OVERHEAD);
    }

    private static PublicationBatch rest(PublicationBatch run, long sequence) {
        return Objects.requireNonNull(run.after(sequence));
    }

    private static long[] sequences(PublicationBatch run) {
        return IntStream.range(0, run.count())
                .mapToLong(i -> run.get(i).sequence())
                .toArray();
    }

    private static PublicationBatch run(long... sequences) {
        PublicationBatch run = new PublicationBatch(CHANNEL, payload(sequences[0], 1));
        for (int i = 1; i < sequences.length; i++) {
            run.add(payload(sequences[i], 1));
        }
        return run;
    }

    private static Payload payload(long sequence, int length) {
        return Payload.of(sequence, new byte[length], 0);
    }
}
