package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.outbox.Loop;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class StaggerTest {

    private static final Duration PERIOD = Duration.ofSeconds(1);

    private final Loop loop = new Loop(0, Runnable::run);
    private final List<Session> sessions = Stream.generate(() -> new Session(
                    new TestAuthentication().with(NoRequests.INSTANCE),
                    NoRequests.INSTANCE,
                    new RecordingFrameWriter(),
                    TestOutboxFactory.standard(),
                    loop,
                    Dialect.V1,
                    on -> null))
            .limit(100)
            .toList();
    private final Map<Session, List<String>> told = new HashMap<>();
    private final TestTimer timer = new TestTimer();
    private long now;

    private final Stagger spread = new Stagger(() -> now, timer);

    @Test
    void eachConnectionHasItsOwnTimeWithinThePeriod() {
        begin("begins");
        at(500);
        assertThat(told.size()).isBetween(20, 80);
        at(1000);
        assertThat(told).hasSize(100);
        assertThat(timer.count()).as("nothing is left to do").isZero();
    }

    @Test
    void earlierRoundRunsFirst() {
        begin("begins");
        at(70);
        begin("is over");
        at(5000);
        assertThat(told).hasSize(100);
        assertThat(told.values()).allMatch(List.of("begins", "is over")::equals);
    }

    @Test
    void failureOfOneTaskDoesNotStopTheOthers() {
        spread.over(PERIOD, loop, sessions, session -> {
            hear(session, "begins");
            if (session == sessions.get(0)) {
                throw new IllegalStateException("made by the test");
            }
        });
        at(1000);
        assertThat(told).hasSize(100);
    }

    private void begin(String news) {
        spread.over(PERIOD, loop, sessions, session -> hear(session, news));
    }

    private void hear(Session session, String news) {
        told.computeIfAbsent(session, x -> new ArrayList<>()).add(news);
    }

    private void at(long millis) {
        now = TimeUnit.MILLISECONDS.toNanos(millis);
        timer.isUp();
    }
}
