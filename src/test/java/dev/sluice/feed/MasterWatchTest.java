package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class MasterWatchTest {

    private final MasterWatch watch = new MasterWatch(missed -> {});

    @Test
    void endOfAConnectionExplainsNoFailureAfterTheNextBeat() {
        watch.told(List.of("own"), Instant.EPOCH);
        watch.await(1, List.of("own"));
        watch.ended(false);
        assertThat(watch.othersFail()).isTrue();
        assertThat(watch.heard(EchoCount.code(1, 0))).isTrue();
        assertThat(watch.othersFail()).isFalse();
    }
}
