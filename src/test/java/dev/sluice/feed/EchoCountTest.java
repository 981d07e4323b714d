package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class EchoCountTest {

    private static final List<String> TWO = List.of("own", "other");

    private final EchoCount echoes = new EchoCount();

    @Test
    void beatIsHeardWithItsLastCopy() {
        List<String> three = List.of("own", "other", "third");
        echoes.await(7, three);
        echoes.await(8, List.of("own"));
        assertThat(echoes.heard(EchoCount.code(7, 2))).isNull();
        assertThat(echoes.heard(EchoCount.code(8, 0))).containsExactly("own");
        assertThat(echoes.heard(EchoCount.code(7, 0))).isNull();
        assertThat(echoes.heard(EchoCount.code(7, 0))).isNull();
        assertThat(echoes.heard(EchoCount.code(7, 1))).isEqualTo(three);
        assertThat(echoes.heard(EchoCount.code(7, 1))).isNull();
        assertThat(EchoCount.number(EchoCount.code(7, EchoCount.MAX_COPIES - 1)))
                .isEqualTo(7);
    }

    @Test
    void beatsOfOthersAreNotHeard() {
        echoes.await(1, List.of("own"));
        assertThat(echoes.heard(EchoCount.code(2, 0))).isNull();
        assertThat(echoes.heard(-1)).isNull();
        assertThat(echoes.heard(Long.MIN_VALUE)).isNull();
    }

    @Test
    void copiesThatNeverComeAreForgotten() {
        for (int i = 0; i < 1000; i++) {
            echoes.await(i, TWO);
        }
        assertThat(echoes.heard(EchoCount.code(0, 0))).isNull();
        assertThat(echoes.heard(EchoCount.code(0, 1))).isNull();
        assertThat(echoes.heard(EchoCount.code(999, 0))).isNull();
        assertThat(echoes.heard(EchoCount.code(999, 1))).isEqualTo(TWO);
    }

    @Test
    void copyThatItsNodeDidNotConfirmIsMissingBecauseOfThatNode() {
        assertThat(echoes.othersHang()).isFalse();
        echoes.await(1, TWO);
        assertThat(echoes.othersHang()).isFalse();
        echoes.heard(EchoCount.code(1, 0));
        assertThat(echoes.othersHang()).isTrue();
        echoes.confirmed(EchoCount.code(1, 0));
        assertThat(echoes.othersHang()).isTrue();
        echoes.confirmed(EchoCount.code(1, 1));
        assertThat(echoes.othersHang()).isFalse();
        echoes.await(2, TWO);
        echoes.heard(EchoCount.code(2, 0));
        echoes.heard(EchoCount.code(2, 1));
        assertThat(echoes.othersHang()).isFalse();
        echoes.await(3, TWO);
        echoes.heard(EchoCount.code(3, 0));
        assertThat(echoes.othersHang()).isTrue();
    }
}
