package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EchoCountTest {

    private final EchoCount echoes = new EchoCount();

    @Test
    void beatIsHeardWithItsLastCopy() {
        echoes.await(7, 3);
        echoes.await(8, 1);
        assertThat(echoes.heard(EchoCount.code(7, 2))).isFalse();
        assertThat(echoes.heard(EchoCount.code(8, 0))).isTrue();
        assertThat(echoes.heard(EchoCount.code(7, 0))).isFalse();
        assertThat(echoes.heard(EchoCount.code(7, 0))).isFalse();
        assertThat(echoes.heard(EchoCount.code(7, 1))).isTrue();
        assertThat(echoes.heard(EchoCount.code(7, 1))).isFalse();
        assertThat(EchoCount.number(EchoCount.code(7, EchoCount.MAX_COPIES - 1)))
                .isEqualTo(7);
    }

    @Test
    void beatsOfOthersAreNotHeard() {
        echoes.await(1, 1);
        assertThat(echoes.heard(EchoCount.code(2, 0))).isFalse();
        assertThat(echoes.heard(-1)).isFalse();
        assertThat(echoes.heard(Long.MIN_VALUE)).isFalse();
    }

    @Test
    void copiesThatNeverComeAreForgotten() {
        for (int i = 0; i < 1000; i++) {
            echoes.await(i, 2);
        }
        assertThat(echoes.heard(EchoCount.code(0, 0)) || echoes.heard(EchoCount.code(0, 1)))
                .isFalse();
        assertThat(echoes.heard(EchoCount.code(999, 0))).isFalse();
        assertThat(echoes.heard(EchoCount.code(999, 1))).isTrue();
    }
}
