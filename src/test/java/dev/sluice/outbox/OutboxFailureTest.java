package dev.sluice.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** An exception of the wire, such as out of memory, ends the connection. */
class OutboxFailureTest {

    private final Loop loop = new Loop(0, Runnable::run);
    private final List<Disconnect> failures = new ArrayList<>();
    private boolean failsToFlush;
    private boolean failsToClose;
    private int cuts;

    private final Outbox outbox = TestOutboxFactory.standard()
            .open(
                    new FrameWriter() {
                        @Override
                        public void write(Frame frame) {}

                        @Override
                        public void flush(Done done) {
                            failWhere(failsToFlush);
                            done.done(null);
                        }

                        @Override
                        public void close(int code, String reason) {
                            failWhere(failsToClose);
                        }

                        @Override
                        public void cut() {
                            cuts++;
                        }
                    },
                    loop,
                    failures::add);

    @Test
    void failedCloseCutsTheConnection() {
        failsToClose = true;
        outbox.close(new Close(1011, "internal error"));
        assertThat(cuts).isEqualTo(1);
    }

    @Test
    void failedFlushDuringTheCloseCutsTheConnection() {
        loop.runThenFlush(() -> {
            outbox.send(Frame.text("x"));
            failsToFlush = true;
            outbox.close(new Close(1011, "internal error"));
        });
        assertThat(cuts).isEqualTo(1);
    }

    @Test
    void failedFlushEndsTheConnection() {
        failsToFlush = true;
        loop.runThenFlush(() -> outbox.send(Frame.text("x")));
        assertThat(failures).containsExactly(Disconnect.INTERNAL_ERROR);
    }

    @Test
    void successfulCloseIsNotCutBeforeItsTimeout() {
        outbox.send(Frame.text("x"));
        outbox.close(new Close(1012, "going away"));
        outbox.check(System.nanoTime());
        assertThat(cuts).isZero();
        outbox.check(System.nanoTime() + Duration.ofSeconds(2).toNanos());
        assertThat(cuts).isEqualTo(1);
    }

    private static void failWhere(boolean it) {
        if (it) {
            throw new Error("thrown by the test");
        }
    }
}
