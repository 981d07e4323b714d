package dev.sluice.harness;

import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PodTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ERROR [io.net.uti.ResourceLeakDetector] LEAK: ByteBuf.release() was not called",
                "ERROR [io.qua.ver.cor.run.VertxCoreRecorder] Uncaught exception received by Vert.x: java.lang.Error"
            })
    void faultInTheLogFailsTheTest(String line) {
        assertThatThrownBy(() -> Pod.assertNoFault("INFO started\n" + line))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining(line);
    }

    @Test
    void otherLinesDoNot() {
        assertThatNoException().isThrownBy(() -> Pod.assertNoFault("ERROR [dev.sluice.feed.Feed] an error"));
    }
}
