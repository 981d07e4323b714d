package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.access.TokenResult;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.feed.Gap;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.Refusal;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.route.Channel;
import dev.sluice.wire.TestInbound;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SessionTest {

    private final RecordingFrameWriter writer = new RecordingFrameWriter();
    private final List<String> sent = writer.sent;
    private final List<Integer> closes = writer.closes;
    private final List<ClientMessage> executed = new ArrayList<>();
    private final List<AuthenticatedUser> renewed = new ArrayList<>();
    private final TestAuthentication authentication = new TestAuthentication();
    private final List<Refusal> failures = authentication.failures;
    private final List<Connection> admitted = authentication.admitted;
    private final List<Disconnected> ended = authentication.ended;
    private final List<Consumer<TokenResult>> results = authentication.results;

    /** The answers to authentications; {@code null} if they are sent at once. */
    private @Nullable List<Runnable> waiting;

    private final Requests requests = new Requests() {
        @Override
        public void execute(Client client, ClientMessage message) {
            executed.add(message);
        }

        @Override
        public void begin(Client client, Opening opening, Consumer<Start> answer) {
            Runnable begun = () -> answer.accept(new Start(opening.since() == null ? null : true, client.at(), null));
            if (waiting == null) {
                begun.run();
            } else {
                waiting.add(begun);
            }
        }

        @Override
        public List<Channel> own(Client client) {
            return List.of();
        }

        @Override
        public List<Channel> channels(Client client) {
            return TestOutboxFactory.ROUTES.ofUser(client.connection().user());
        }

        @Override
        public void connect(
                Client client,
                ClientMessage.Connect message,
                Function<Map<Channel, Start>, Frame> answer,
                Runnable onAnswer) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void suspend(Client client) {}

        @Override
        public void restart(Client client, boolean streams) {}

        @Override
        public void renew(Client client, AuthenticatedUser identity) {
            client.expires(identity.until());
            renewed.add(identity);
        }
    };
    private final Authentication shared = authentication.with(requests);

    private final Session session = newSession();

    private Session newSession() {
        return new Session(
                shared,
                requests,
                writer,
                TestOutboxFactory.standard(),
                new Loop(0, Runnable::run),
                Dialect.V1,
                on -> null);
    }

    private static final AuthenticatedUser SEVEN = TestAuthorizers.identity("7");
    private static final ClientMessage AUTH = new ClientMessage.Auth("token", null, null);
    private static final ClientMessage ALIVE = new ClientMessage.Pong();

    @Test
    void validTokenIsAdmitted() {
        session.opened(null, Opening.own(null));
        assertThat(authentication.timerRuns).isTrue();
        session.received(AUTH);
        assertThat(sent).isEmpty();
        accept("7");
        assertThat(authentication.timerRuns).isFalse();
        assertThat(admitted).singleElement().extracting(Connection::user).isEqualTo("7");
        assertThat(sent).containsExactly("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
        assertThat(closes).isEmpty();
    }

    @Test
    void newClientIsToldOfALossOfItsChannel() {
        LossyChannels channels = new LossyChannels();
        channels.losses.put("user:7", Instant.EPOCH);
        authentication.channels = channels;
        Session hearing = new Session(
                authentication.with(requests),
                requests,
                writer,
                TestOutboxFactory.standard(),
                new Loop(0, Runnable::run),
                Dialect.V1,
                on -> null);
        hearing.opened(SEVEN, Opening.own(null));
        assertThat(sent)
                .containsExactly(
                        "{\"action\":\"auth_success\",\"user_id\":\"7\"}",
                        "{\"action\":\"gap\",\"channel\":\"user:7\",\"since\":\"1970-01-01T00:00:00Z\",\"until\":null}");
    }

    @Test
    void clientIsToldOfALossOfAChannelThatIsRestored() {
        session.opened(SEVEN, Opening.own(null));
        sent.clear();
        Connection connection = session.client().connection();
        Channel channel = TestOutboxFactory.channel("upload:1");
        GapNotifier.tellLoss(null, () -> Set.of(session), connection, channel);
        assertThat(sent).isEmpty();
        GapNotifier.tellLoss(Instant.EPOCH, () -> Set.of(session), connection, channel);
        assertThat(sent)
                .containsExactly(
                        "{\"action\":\"gap\",\"channel\":\"upload:1\",\"since\":\"1970-01-01T00:00:00Z\",\"until\":null}");
    }

    @Test
    void upgradeTokenIsAdmittedAtOnce() {
        session.opened(SEVEN, Opening.own(null));
        assertThat(authentication.timerRuns).isFalse();
        assertThat(sent).containsExactly("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
    }

    @Test
    void userLimitClosesWith1013() {
        session.opened(null, Opening.own(null));
        session.received(AUTH);
        authentication.admits = connection -> false;
        accept("7");
        assertThat(sent).as("an auth_error would stop clients for good").isEmpty();
        assertThat(closes).containsExactly(1013);
        assertThat(failures).isEmpty();
        assertThat(executed).isEmpty();
        session.closed(Disconnect.CLIENT_CLOSED);
        assertThat(ended).isEmpty();
    }

    @Test
    void slotIsEvictedOnlyBeforeAdmission() {
        TestInbound pod = new TestInbound();
        TestInbound.TestSocket first = connect(pod, session);
        Session second = newSession();
        TestInbound.TestSocket connection = connect(pod, second);
        first.runTasks();
        assertThat(closes).as("there is one slot for silent connections").containsExactly(1013);
        second.received(AUTH);
        accept("7");
        connect(pod, newSession()).close();
        connection.runTasks();
        assertThat(closes).hasSize(1);
        first.close();
        connection.close();
    }

    private TestInbound.TestSocket connect(TestInbound pod, Session of) {
        TestInbound.TestSocket connection = pod.new TestSocket();
        assertThat(connection.guard.slot().take(null, false)).isNull();
        of.hears(connection.guard);
        connection.guard.opened(of);
        of.opened(null, Opening.own(null));
        return connection;
    }

    @Test
    void floodIsClosedBeforeAndAfterAuthentication() {
        session.opened(null, Opening.own(null));
        session.failed(Disconnect.FLOODED);
        assertThat(closes).containsExactly(4029);
        assertThat(ended).isEmpty();
    }

    @Test
    void floodEndsTheConnection() {
        session.opened(SEVEN, Opening.own(null));
        session.failed(Disconnect.FLOODED);
        assertThat(closes).containsExactly(4029);
        assertThat(ended).singleElement().extracting(Disconnected::reason).isEqualTo(Disconnect.FLOODED);
    }

    @Test
    void messagesAfterTheAuthMessageWaitForItsAnswer() {
        session.opened(null, Opening.own(null));
        assertThat(session.takesMessage()).isTrue();
        session.received(AUTH);
        assertThat(session.takesMessage()).isFalse();
        accept("7");
        assertThat(session.takesMessage()).isTrue();
        session.received(AUTH);
        assertThat(session.takesMessage()).as("while another token is verified").isTrue();
        session.received(ALIVE);
        assertThat(executed).containsExactly(ALIVE);
    }

    @Test
    void heldMessagesAreProcessedAfterAdmission() {
        TestInbound.TestSocket connection = new TestInbound().new TestSocket();
        session.hears(connection.guard);
        session.opened(null, Opening.own(null));
        connection.inbound.watch(session);
        connection.send("auth", "1", "2");
        assertThat(connection.passedOn()).containsExactly("auth");
        session.received(AUTH);
        connection.handled();
        assertThat(connection.passedOn()).isEmpty();
        accept("7");
        assertThat(connection.passedOn()).containsExactly("1");
        connection.close();
    }

    @Test
    void refusalEndsTheSession() {
        session.opened(null, Opening.own(null));
        assertThat(session.isOver()).isFalse();
        shared.timedOut(session);
        assertThat(session.isOver()).isTrue();
    }

    @Test
    void inboundFullClosesWith1013() {
        session.opened(null, Opening.own(null));
        session.failed(Disconnect.INBOUND_FULL);
        assertThat(closes).containsExactly(1013);
        assertThat(sent).isEmpty();
    }

    @Test
    void eachAnswerOfAListCounts() {
        TestInbound.TestSocket connection = new TestInbound(5).new TestSocket();
        session.hears(connection.guard);
        session.opened(SEVEN, Opening.own(null));
        connection.inbound.watch(session);
        List<String> channels = List.of("upload:1", "upload:2", "upload:3");
        session.received(ALIVE);
        session.received(new ClientMessage.Subscribe(channels.subList(0, 1), true, null, null));
        session.received(new ClientMessage.Subscribe(channels, true, null, null));
        session.received(new ClientMessage.Unsubscribe(channels, null));
        assertThat(executed).hasSize(4);
        assertThat(closes).isEmpty();
        session.received(new ClientMessage.Subscribe(channels, true, null, null));
        assertThat(executed).hasSize(4);
        assertThat(closes).containsExactly(4029);
    }

    @Test
    void tooManyMessagesBeforeTheAuthAnswerAreClosed() {
        session.opened(null, Opening.own(null));
        session.received(AUTH);
        session.heldTooMany();
        assertThat(closes).containsExactly(4029);
        accept("7");
        assertThat(admitted).as("the result comes too late").isEmpty();
        assertThat(failures).containsExactly(Refusal.FLOOD);
    }

    @Test
    void silentClientIsClosed() {
        session.opened(null, Opening.own(null));
        shared.timedOut(session);
        assertRefused(4001, Refusal.TIMEOUT);
    }

    @Test
    void otherFirstMessageIsClosed() {
        session.opened(null, Opening.own(null));
        session.received(ALIVE);
        assertRefused(4002, Refusal.NOT_AUTH);
        assertThat(authentication.timerRuns).isFalse();
    }

    @Test
    void invalidTokenIsClosed() {
        session.opened(null, Opening.own(null));
        session.received(AUTH);
        results.get(0).accept(new TokenResult.Refused(TokenResult.Reason.EXPIRED, "expired"));
        assertRefused(4003, Refusal.EXPIRED);
    }

    @Test
    void firstMessageThatIsNotJsonIsClosedWithoutAuthError() {
        session.opened(null, Opening.own(null));
        session.received(new ClientMessage.NotAnObject());
        assertThat(closes).containsExactly(4004);
        assertThat(sent)
                .as("auth_error would make old clients stop permanently")
                .isEmpty();
    }

    @Test
    void unavailableKeysCloseWith1013() {
        session.opened(null, Opening.own(null));
        session.received(AUTH);
        results.get(0).accept(new TokenResult.Unavailable());
        assertThat(closes).containsExactly(1013);
        assertThat(sent).isEmpty();
    }

    @Test
    void verificationIsBoundedByTheAuthTimeout() {
        session.opened(null, Opening.own(null));
        session.received(AUTH);
        shared.timedOut(session);
        assertThat(closes).containsExactly(1013);
        assertThat(sent).isEmpty();
        accept("7");
        assertThat(admitted).isEmpty();
    }

    @Test
    void resultAfterTheEndIsIgnored() {
        session.opened(null, Opening.own(null));
        session.received(AUTH);
        session.closed(Disconnect.CLIENT_CLOSED);
        accept("7");
        assertThat(admitted).isEmpty();
        assertThat(ended).isEmpty();
    }

    @Test
    void laterAuthMessagesDoNotEndTheConnection() {
        session.opened(SEVEN, Opening.own(null));
        sent.clear();
        session.received(AUTH);
        session.received(AUTH);
        accept("7");
        session.received(AUTH);
        results.get(1).accept(new TokenResult.Accepted(TestAuthorizers.identity("8")));
        session.received(AUTH);
        results.get(2).accept(new TokenResult.Refused(TokenResult.Reason.EXPIRED, "expired"));
        assertThat(sent)
                .satisfiesExactly(
                        busy -> assertThat(busy).contains("\"unavailable\""),
                        success -> assertThat(success).contains("auth_success"),
                        otherUser -> assertThat(otherUser).contains("\"unauthorized\""),
                        expired -> assertThat(expired).contains("\"unauthorized\""));
        assertThat(closes).isEmpty();
    }

    @Test
    void expiredTokenEndsTheConnection() {
        session.opened(until(1000), Opening.own(null));
        Heartbeat.expire(session, 999);
        assertThat(closes).isEmpty();
        Heartbeat.expire(session, 1000);
        assertThat(closes).containsExactly(4010);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.TOKEN_EXPIRED));
        assertThat(sent)
                .as("auth_error would make old clients stop permanently")
                .hasSize(1);
    }

    @Test
    void onlyAValidTokenOfTheSameUserExtendsTheConnection() {
        session.opened(until(1000), Opening.own(null));
        session.received(AUTH);
        results.get(0).accept(new TokenResult.Accepted(until(2000)));
        assertThat(renewed).containsExactly(until(2000));
        session.received(AUTH);
        results.get(1).accept(new TokenResult.Accepted(TestAuthorizers.identity("8")));
        session.received(AUTH);
        results.get(2).accept(new TokenResult.Refused(TokenResult.Reason.EXPIRED, "expired"));
        Heartbeat.expire(session, 1999);
        assertThat(closes).isEmpty();
        Heartbeat.expire(session, 2000);
        assertThat(closes).containsExactly(4010);
    }

    @Test
    void unauthenticatedSessionDoesNotExpire() {
        session.opened(null, Opening.own(null));
        Heartbeat.expire(session, Long.MAX_VALUE);
        assertThat(closes).isEmpty();
    }

    @Test
    void heartbeatsOncePerIntervalAndOnlyForConnections() {
        // The first heartbeat is due at a random nanosecond of it, which of a thousand would now and then be the first.
        long interval = TimeUnit.SECONDS.toNanos(1);
        session.opened(null, Opening.own(null));
        Heartbeat.beat(session, 0, interval);
        Heartbeat.beat(session, interval, interval);
        assertThat(sent).isEmpty();
        session.received(AUTH);
        accept("7");
        sent.clear();
        long now = 5 * interval;
        Heartbeat.beat(session, now, interval);
        Heartbeat.beat(session, now + interval, interval);
        assertThat(sent).as("the first within one interval").containsExactly("{\"action\":\"ping\"}", "Ping");
        Heartbeat.beat(session, now + 2 * interval - 1, interval);
        assertThat(sent).hasSize(2);
        Heartbeat.beat(session, now + 2 * interval, interval);
        assertThat(sent).hasSize(4);
    }

    @Test
    void answersPingsThroughTheOutbox() {
        session.opened(null, Opening.own(null));
        session.pinged(new byte[] {1});
        assertThat(sent).containsExactly("Pong");
    }

    @Test
    void beforeAuthenticationOnlyTheNewestPingIsAnswered() {
        session.opened(null, Opening.own(null));
        writer.fill();
        for (int i = 0; i < 100; i++) {
            session.pinged(new byte[] {1});
        }
        assertThat(sent).hasSize(1);
        writer.open();
        assertThat(sent).containsExactly("Pong", "Pong");
    }

    @Test
    void unreadAnswersStopProcessing() {
        TestInbound.TestSocket connection = new TestInbound().new TestSocket();
        session.hears(connection.guard);
        session.opened(SEVEN, Opening.own(null));
        connection.inbound.watch(session);
        writer.fill();
        session.client().tell(Frame.text("x".repeat(512 * 1024)));
        connection.send("1", "2");
        assertThat(connection.passedOn()).isEmpty();
        writer.open();
        assertThat(connection.passedOn()).containsExactly("1");
        connection.close();
    }

    @Test
    void unfinishedMessageEndsTheConnection() {
        TestInbound.TestSocket connection = new TestInbound().new TestSocket();
        session.hears(connection.guard);
        session.opened(SEVEN, Opening.own(null));
        connection.inbound.watch(session);
        connection.channel.writeInbound(new TextWebSocketFrame(false, 0, "{"));
        long now = System.nanoTime();
        Heartbeat.beat(session, now, Long.MAX_VALUE / 2);
        assertThat(ended).isEmpty();
        Heartbeat.beat(session, now + Heartbeat.MAX_UNFINISHED_NANOS, Long.MAX_VALUE / 2);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.INBOUND_FULL));
        connection.passedOn();
        connection.close();
    }

    @Test
    void manyFailedWritesEndTheConnectionOnce() {
        session.opened(SEVEN, Opening.own(null));
        writer.fill();
        for (int i = 0; i < 1000; i++) {
            session.client().tell(Frame.text("{}"));
        }
        assertThat(writer.flushes).isGreaterThan(1);
        writer.fail(new IOException("Connection reset by peer"));
        session.closed(Disconnect.CONNECTION_LOST);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.CONNECTION_RESET));
        assertThat(closes).containsExactly(1011);
    }

    @Test
    void resetEndsTheConnectionOnce() {
        session.opened(SEVEN, Opening.own(null));
        session.failed(Disconnect.CONNECTION_RESET);
        session.closed(Disconnect.CONNECTION_LOST);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.CONNECTION_RESET));
    }

    @Test
    void peerSilentForThreeHeartbeatsIsDisconnected() {
        session.opened(SEVEN, Opening.own(null));
        long interval = TimeUnit.SECONDS.toNanos(1);
        // The first beat schedules the heartbeat at a random moment within the interval.
        Heartbeat.beat(session, 0, interval);
        for (int i = 1; i <= 3; i++) {
            Heartbeat.beat(session, i * interval, interval);
        }
        assertThat(ended).isEmpty();
        session.heard();
        for (int i = 4; i <= 6; i++) {
            Heartbeat.beat(session, i * interval, interval);
        }
        assertThat(ended).as("it was heard in between").isEmpty();
        Heartbeat.beat(session, 7 * interval, interval);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.PEER_SILENT));
    }

    @Test
    void maxAgeIsJitteredByATenth() {
        session.opened(SEVEN, Opening.own(null));
        long now = System.nanoTime();
        long maxAge = TimeUnit.HOURS.toNanos(10);
        Heartbeat.retire(session, now + TimeUnit.MINUTES.toNanos(539), maxAge);
        assertThat(closes).isEmpty();
        Heartbeat.retire(session, now + TimeUnit.MINUTES.toNanos(661), maxAge);
        assertThat(closes).containsExactly(1012);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.MAX_AGE));
    }

    @Test
    void gapIsReportedOnceAtItsStartAndOnceAtItsEnd() {
        session.opened(SEVEN, Opening.own(null));
        Gap open = gap(1);
        session.client().tell(open, Frame.text("begins"), true);
        session.client().tell(open, Frame.text("begins"), true);
        session.client().tell(open.closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"), true);
        session.client().tell(open.closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"), true);
        assertThat(sent.subList(1, sent.size())).containsExactly("begins", "over");
    }

    @Test
    void newConnectionDuringAGapGetsTheGapAtOnce() {
        authentication.gap = gap(1);
        session.opened(SEVEN, Opening.own(null));
        assertThat(sent.get(1)).isEqualTo("{\"action\":\"gap\",\"since\":\"1970-01-01T00:00:01Z\",\"until\":null}");
        session.client().tell(authentication.gap, Frame.text("begins"), true);
        session.client().tell(authentication.gap.closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"), true);
        assertThat(sent.subList(2, sent.size())).containsExactly("over");
    }

    @Test
    void connectionAdmittedAfterTheGapMessagesGetsTheGap() {
        authentication.gap = gap(1);
        session.opened(null, Opening.own(null));
        session.ifOpen(client -> client.tell(gap(1), Frame.text("begins"), true));
        session.received(AUTH);
        accept("7");
        assertThat(sent.get(1)).isEqualTo("{\"action\":\"gap\",\"since\":\"1970-01-01T00:00:01Z\",\"until\":null}");
        session.client().tell(authentication.gap.closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"), true);
        assertThat(sent.subList(2, sent.size())).containsExactly("over");
    }

    @Test
    void clientThatKnowsTheStartGetsTheEndEvenIfItIsNotConcernedByThen() {
        authentication.gap = gap(1);
        session.opened(SEVEN, Opening.own(null));
        session.client().tell(authentication.gap, Frame.text("begins"), false);
        session.client().tell(authentication.gap.closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"), false);
        assertThat(sent.subList(2, sent.size())).containsExactly("over");
    }

    @Test
    void clientThatIsNotConcernedGetsNoGap() {
        session.opened(SEVEN, Opening.own(null));
        session.client().tell(gap(1), Frame.text("begins"), false);
        session.client().tell(gap(1).closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"), false);
        assertThat(sent).hasSize(1);
    }

    @Test
    void connectionAfterAGapGetsNoGap() {
        session.opened(SEVEN, Opening.own(null));
        session.client().tell(gap(1).closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"), true);
        assertThat(sent).hasSize(1);
    }

    @Test
    void earlierGapIsNotReportedAfterALaterOne() {
        authentication.gap = gap(3);
        session.opened(SEVEN, Opening.own(null));
        session.client().tell(gap(1), Frame.text("earlier begins"), true);
        session.client().tell(gap(1).closed(Instant.EPOCH.plusSeconds(2)), Frame.text("earlier is over"), true);
        assertThat(sent).hasSize(2);
    }

    @Test
    void closeByTheClientEndsTheConnection() {
        session.opened(SEVEN, Opening.own(null));
        session.closed(Disconnect.CLIENT_CLOSED);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.CLIENT_CLOSED));
        session.received(ALIVE);
        assertThat(executed).isEmpty();
    }

    @Test
    void endCancelsTheTimerOfTheFirstAnswer() {
        waiting = new ArrayList<>();
        TestTimer timer = new TestTimer();
        session.opened(SEVEN, Opening.own(null));
        session.client().await(timer.after(2_000, () -> {}));
        session.closed(Disconnect.CLIENT_CLOSED);
        assertThat(timer.count()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nothingPrecedesTheAnswerToTheAuthentication(boolean positioned) {
        Position at = Position.of(new Era(1, 1), 1, 5, 1);
        Session opening = new Session(
                shared,
                requests,
                writer,
                TestOutboxFactory.standard(),
                new Loop(0, Runnable::run),
                positioned ? Dialect.V2 : Dialect.V1,
                on -> at);
        waiting = new ArrayList<>();
        opening.opened(SEVEN, Opening.own(null));
        opening.client().holdUntilTold();
        opening.client().tell(gap(1), Frame.text("begins"), true);
        opening.client().tell(Frame.text("lagged"));
        opening.client().beat();
        opening.tellPosition();
        assertThat(sent).isEmpty();
        waiting.forEach(Runnable::run);
        assertThat(sent.get(0)).contains("auth_success");
        assertThat(sent.subList(1, sent.size())).containsExactly("begins", "lagged");
        opening.client().beat();
        assertThat(sent).contains("{\"action\":\"ping\"}");
    }

    private static AuthenticatedUser until(long millis) {
        return new AuthenticatedUser("7", millis, SEVEN.grants());
    }

    private static Gap gap(long second) {
        return new Gap(Instant.EPOCH.plusSeconds(second), null);
    }

    private void accept(String user) {
        results.get(0).accept(new TokenResult.Accepted(TestAuthorizers.identity(user)));
    }

    private void assertRefused(int code, Refusal reason) {
        assertThat(sent).singleElement().asString().startsWith("{\"action\":\"auth_error\",\"message\":\"");
        assertThat(closes).containsExactly(code);
        assertThat(failures).containsExactly(reason);
    }

    @Test
    void noPositionIsSentBetweenAnInterruptionAndItsGapMessage() {
        Position at = Position.of(new Era(1, 1), 1, 5, 1);
        Session positioned = new Session(
                shared,
                requests,
                writer,
                TestOutboxFactory.standard(),
                new Loop(0, Runnable::run),
                Dialect.V2,
                on -> at);
        positioned.opened(SEVEN, Opening.own(null));
        sent.clear();
        positioned.client().holdUntilTold();
        positioned.client().beat();
        assertThat(sent).noneMatch(message -> message.contains(at.toString()));
        assertThat(positioned.at()).isNull();
        positioned.client().tell(gap(1), Frame.text("begins"), true);
        assertThat(sent).endsWith("begins", "{\"action\":\"mark\",\"at\":\"" + at + "\"}");
        assertThat(positioned.at()).isEqualTo(at);
    }
}
