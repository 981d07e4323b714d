package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.TestAuthorizers;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.feed.Gap;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class MarkNotifierTest {

    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final Position ADOPTED = Position.of(new Era(1, 1), 1, 0, 1);
    private static final String MARK = "{\"action\":\"mark\",\"at\":\"" + ADOPTED + "\"}";

    private final Loop loop = new Loop(0, Runnable::run);
    private final TestAuthentication authentication = new TestAuthentication();
    private final List<RecordingFrameWriter> writers = new ArrayList<>();
    private final TestTimer timer = new TestTimer();
    private @Nullable Position delivered;
    private long now;

    private final Stagger stagger = new Stagger(() -> now, timer);

    @Test
    void clientsWithPositionsGetMarksSpreadOverThePeriod() {
        List<Session> sessions = sessions(Dialect.V2);
        adopt(sessions);
        at(500);
        assertThat(marked()).isBetween(20L, 80L);
        at(1000);
        assertThat(marked()).isEqualTo(100);
    }

    @Test
    void clientsWithoutPositionsGetNoMark() {
        adopt(sessions(Dialect.V1));
        at(1000);
        assertThat(writers).allMatch(writer -> writer.sent.size() == 1, "only the answer to the token");
    }

    @Test
    void laggingClientGetsItsMarkOnceItHasCaughtUp() {
        List<Session> sessions = sessions(Dialect.V2);
        sessions.forEach(session -> session.client().holdUntilTold());
        adopt(sessions);
        at(1000);
        assertThat(marked()).isZero();
        Gap gap = new Gap(Instant.EPOCH, null);
        sessions.forEach(session -> session.client().tell(gap, Dialect.V2.gap(gap.since(), null), true));
        assertThat(marked()).isEqualTo(100);
    }

    private List<Session> sessions(Dialect dialect) {
        List<Session> sessions = IntStream.range(0, 100)
                .mapToObj(i -> {
                    RecordingFrameWriter writer = new RecordingFrameWriter();
                    writers.add(writer);
                    return new Session(
                            authentication.with(NoRequests.INSTANCE),
                            NoRequests.INSTANCE,
                            writer,
                            TestOutboxFactory.standard(),
                            loop,
                            dialect,
                            on -> delivered);
                })
                .toList();
        sessions.forEach(session -> session.opened(TestAuthorizers.identity("7"), Opening.own(null)));
        return sessions;
    }

    private void adopt(List<Session> sessions) {
        delivered = ADOPTED;
        MarkNotifier.tell(stagger, PERIOD, loop, sessions);
    }

    private long marked() {
        return writers.stream().filter(writer -> writer.sent.contains(MARK)).count();
    }

    private void at(long millis) {
        now = TimeUnit.MILLISECONDS.toNanos(millis);
        timer.isUp();
    }
}
