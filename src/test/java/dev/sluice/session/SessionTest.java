package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.access.TokenResult;
import dev.sluice.feed.Gap;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Refusal;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.wire.TestInbound;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SessionTest {

    private final RecordingFrameWriter writer = new RecordingFrameWriter();
    private final List<String> sent = writer.sent;
    private final List<Integer> closes = writer.closes;
    private final List<Refusal> failures = new ArrayList<>();
    private final List<Connection> admitted = new ArrayList<>();
    private final List<ClientMessage> executed = new ArrayList<>();
    private final List<AuthenticatedUser> renewed = new ArrayList<>();
    private final List<Disconnected> ended = new ArrayList<>();
    private final List<Consumer<TokenResult>> results = new ArrayList<>();
    private boolean timerRuns;
    private boolean userLimitReached;
    private @Nullable Gap gap;

    private final Session session = new Session(
            new SessionHost() {
                @Override
                public Runnable startAuthTimer(Session started) {
                    timerRuns = true;
                    return () -> timerRuns = false;
                }

                @Override
                public void verify(String token, Consumer<TokenResult> result) {
                    results.add(result);
                }

                @Override
                public boolean admit(Connection connection) {
                    if (userLimitReached) {
                        return false;
                    }
                    admitted.add(connection);
                    return true;
                }

                @Override
                public @Nullable Gap gap() {
                    return gap;
                }

                @Override
                public void disconnected(Disconnected event) {
                    ended.add(event);
                }

                @Override
                public void execute(Conversation conversation, ClientMessage message) {
                    executed.add(message);
                }

                @Override
                public void renew(Conversation conversation, AuthenticatedUser identity) {
                    conversation.renew(identity);
                    renewed.add(identity);
                }

                @Override
                public void authFailed(Refusal reason) {
                    failures.add(reason);
                }
            },
            writer,
            TestOutboxFactory.standard(),
            new Loop(0, Runnable::run));

    private static final AuthenticatedUser SEVEN = TestAuthorizers.identity("7");
    private static final ClientMessage AUTH = new ClientMessage.Auth("token", null);
    private static final ClientMessage ALIVE = new ClientMessage.Pong();

    @Test
    void validTokenIsAdmitted() {
        session.opened(null);
        assertThat(timerRuns).isTrue();
        session.received(AUTH);
        assertThat(sent).isEmpty();
        accept("7");
        assertThat(timerRuns).isFalse();
        assertThat(admitted).singleElement().extracting(Connection::user).isEqualTo("7");
        assertThat(sent).containsExactly("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
        assertThat(closes).isEmpty();
    }

    @Test
    void upgradeTokenIsAdmittedAtOnce() {
        session.opened(SEVEN);
        assertThat(timerRuns).isFalse();
        assertThat(sent).containsExactly("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
    }

    @Test
    void userLimitClosesWith1013() {
        List<String> places = new ArrayList<>();
        session.whenAdmitted(() -> places.add("authenticated"));
        session.opened(null);
        session.received(AUTH);
        userLimitReached = true;
        accept("7");
        assertThat(sent).as("an auth_error would stop clients for good").isEmpty();
        assertThat(closes).containsExactly(1013);
        assertThat(failures).isEmpty();
        assertThat(places).isEmpty();
        assertThat(executed).isEmpty();
        session.closed(Disconnect.CLIENT_CLOSED);
        assertThat(ended).isEmpty();
    }

    @Test
    void slotBecomesThatOfTheConnection() {
        List<String> places = new ArrayList<>();
        session.whenAdmitted(() -> places.add("authenticated"));
        session.opened(null);
        session.received(AUTH);
        assertThat(places).isEmpty();
        accept("7");
        assertThat(places).containsExactly("authenticated");
    }

    @Test
    void floodIsClosedBeforeAndAfterAuthentication() {
        session.opened(null);
        session.flooded();
        assertThat(closes).containsExactly(4029);
        assertThat(ended).isEmpty();
    }

    @Test
    void floodEndsTheConnection() {
        session.opened(SEVEN);
        session.flooded();
        assertThat(closes).containsExactly(4029);
        assertThat(ended).singleElement().extracting(Disconnected::reason).isEqualTo(Disconnect.FLOODED);
    }

    @Test
    void takesNoMessageBehindTheAuthFrameUntilThatIsAnswered() {
        session.opened(null);
        assertThat(session.takesMessage()).isTrue();
        session.received(AUTH);
        assertThat(session.takesMessage()).isFalse();
        accept("7");
        assertThat(session.takesMessage()).isTrue();
        session.received(AUTH);
        assertThat(session.takesMessage()).as("while it shows another token").isTrue();
        session.received(ALIVE);
        assertThat(executed).containsExactly(ALIVE);
    }

    @Test
    void heldMessagesAreProcessedAfterAdmission() {
        TestInbound.TestSocket connection = new TestInbound().new TestSocket();
        session.hears(connection.inbound);
        session.opened(null);
        connection.inbound.watch(session);
        connection.send("auth", "1", "2");
        assertThat(connection.passedOn()).containsExactly("auth");
        session.received(AUTH);
        session.handled();
        assertThat(connection.passedOn()).isEmpty();
        accept("7");
        assertThat(connection.passedOn()).containsExactly("1");
        connection.close();
    }

    @Test
    void refusalEndsTheSession() {
        session.opened(null);
        assertThat(session.isOver()).isFalse();
        session.authTimedOut();
        assertThat(session.isOver()).isTrue();
    }

    @Test
    void inboundFullClosesWith1013() {
        session.opened(null);
        session.inboundFull();
        assertThat(closes).containsExactly(1013);
        assertThat(sent).isEmpty();
    }

    @Test
    void listCountsOncePerAnswer() {
        TestInbound.TestSocket connection = new TestInbound(5).new TestSocket();
        session.hears(connection.inbound);
        session.opened(SEVEN);
        connection.inbound.watch(session);
        List<String> channels = List.of("upload:1", "upload:2", "upload:3");
        session.received(ALIVE);
        session.received(new ClientMessage.Subscribe(channels.subList(0, 1), true, null));
        session.received(new ClientMessage.Subscribe(channels, true, null));
        session.received(new ClientMessage.Unsubscribe(channels, null));
        assertThat(executed).hasSize(4);
        assertThat(closes).isEmpty();
        session.received(new ClientMessage.Subscribe(channels, true, null));
        assertThat(executed).hasSize(4);
        assertThat(closes).containsExactly(4029);
    }

    @Test
    void tooManyMessagesBeforeTheAuthAnswerClose() {
        session.opened(null);
        session.received(AUTH);
        session.heldTooMany();
        assertThat(closes).containsExactly(4029);
        accept("7");
        assertThat(admitted).as("the verdict comes too late").isEmpty();
        assertThat(failures).containsExactly(Refusal.FLOOD);
    }

    @Test
    void silentClientIsClosed() {
        session.opened(null);
        session.authTimedOut();
        assertRefused(4001, Refusal.TIMEOUT);
    }

    @Test
    void otherFirstMessageIsClosed() {
        session.opened(null);
        session.received(ALIVE);
        assertRefused(4002, Refusal.NOT_AUTH);
        assertThat(timerRuns).isFalse();
    }

    @Test
    void invalidTokenIsClosed() {
        session.opened(null);
        session.received(AUTH);
        results.get(0).accept(new TokenResult.Refused(TokenResult.Reason.EXPIRED, "expired"));
        assertRefused(4003, Refusal.EXPIRED);
    }

    @Test
    void firstMessageThatIsNotJsonIsClosedWithoutAuthError() {
        session.opened(null);
        session.received(new ClientMessage.NotAnObject());
        assertThat(closes).containsExactly(4004);
        assertThat(sent).as("auth_error would make old clients stop for ever").isEmpty();
    }

    @Test
    void unavailableKeysCloseWith1013() {
        session.opened(null);
        session.received(AUTH);
        results.get(0).accept(new TokenResult.Unavailable());
        assertThat(closes).containsExactly(1013);
        assertThat(sent).isEmpty();
    }

    @Test
    void verificationIsBoundedByTheAuthTimeout() {
        session.opened(null);
        session.received(AUTH);
        session.authTimedOut();
        assertThat(closes).containsExactly(1013);
        assertThat(sent).isEmpty();
        accept("7");
        assertThat(admitted).isEmpty();
    }

    @Test
    void resultAfterTheEndIsIgnored() {
        session.opened(null);
        session.received(AUTH);
        session.closed(Disconnect.CLIENT_CLOSED);
        accept("7");
        assertThat(admitted).isEmpty();
        assertThat(ended).isEmpty();
        assertThat(session.whenClosed().toCompletableFuture()).isCompleted();
    }

    @Test
    void laterAuthMessagesDoNotEndTheConnection() {
        session.opened(SEVEN);
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
        session.opened(until(1000));
        session.expire(999);
        assertThat(closes).isEmpty();
        session.expire(1000);
        assertThat(closes).containsExactly(4010);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.TOKEN_EXPIRED));
        assertThat(sent).as("auth_error would make old clients stop for ever").hasSize(1);
    }

    @Test
    void onlyAValidTokenOfTheSameUserExtendsTheConnection() {
        session.opened(until(1000));
        session.received(AUTH);
        results.get(0).accept(new TokenResult.Accepted(until(2000)));
        assertThat(renewed).containsExactly(until(2000));
        session.received(AUTH);
        results.get(1).accept(new TokenResult.Accepted(TestAuthorizers.identity("8")));
        session.received(AUTH);
        results.get(2).accept(new TokenResult.Refused(TokenResult.Reason.EXPIRED, "expired"));
        session.expire(1999);
        assertThat(closes).isEmpty();
        session.expire(2000);
        assertThat(closes).containsExactly(4010);
    }

    @Test
    void unauthenticatedSessionDoesNotExpire() {
        session.opened(null);
        session.expire(Long.MAX_VALUE);
        assertThat(closes).isEmpty();
    }

    @Test
    void heartbeatsOncePerIntervalAndOnlyForConnections() {
        long interval = 1000;
        session.opened(null);
        session.beat(0, interval);
        session.beat(interval, interval);
        assertThat(sent).isEmpty();
        session.received(AUTH);
        accept("7");
        sent.clear();
        long now = 5 * interval;
        session.beat(now, interval);
        session.beat(now + interval, interval);
        assertThat(sent).as("the first within one interval").containsExactly("{\"action\":\"ping\"}", "Ping");
        session.beat(now + 2 * interval - 1, interval);
        assertThat(sent).hasSize(2);
        session.beat(now + 2 * interval, interval);
        assertThat(sent).hasSize(4);
    }

    @Test
    void answersPingsThroughTheOutbox() {
        session.opened(null);
        session.pinged(new byte[] {1});
        assertThat(sent).containsExactly("Pong");
    }

    @Test
    void beforeAuthenticationOnlyTheNewestPingIsAnswered() {
        session.opened(null);
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
        session.hears(connection.inbound);
        session.whenAdmitted(connection.inbound::authenticated);
        session.opened(SEVEN);
        connection.inbound.watch(session);
        writer.fill();
        session.tell(Frame.text("x".repeat(512 * 1024)));
        connection.send("1", "2");
        assertThat(connection.passedOn()).isEmpty();
        writer.open();
        assertThat(connection.passedOn()).containsExactly("1");
        connection.close();
    }

    @Test
    void unfinishedMessageEndsTheConnection() {
        TestInbound.TestSocket connection = new TestInbound().new TestSocket();
        session.hears(connection.inbound);
        session.opened(SEVEN);
        connection.inbound.watch(session);
        connection.channel.writeInbound(new TextWebSocketFrame(false, 0, "{"));
        long now = System.nanoTime();
        session.beat(now, Long.MAX_VALUE / 2);
        assertThat(ended).isEmpty();
        session.beat(now + Session.MAX_UNFINISHED_NANOS, Long.MAX_VALUE / 2);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.INBOUND_FULL));
        connection.passedOn();
        connection.close();
    }

    @Test
    void manyFailedWritesAreOneEnd() {
        session.opened(SEVEN);
        writer.fill();
        for (int i = 0; i < 1000; i++) {
            session.tell(Frame.text("{}"));
        }
        assertThat(writer.flushes).isGreaterThan(1);
        writer.fail(new IOException("Connection reset by peer"));
        session.closed(Disconnect.CONNECTION_LOST);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.CONNECTION_RESET));
        assertThat(closes).containsExactly(1011);
    }

    @Test
    void aResetEndsTheConnectionOnce() {
        session.opened(SEVEN);
        session.reset();
        session.closed(Disconnect.CONNECTION_LOST);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.CONNECTION_RESET));
    }

    @Test
    void peerSilentForThreeHeartbeatsIsDisconnected() {
        session.opened(SEVEN);
        long interval = 1000;
        // The first beat chooses its moment, within one interval.
        session.beat(0, interval);
        for (int i = 1; i <= 3; i++) {
            session.beat(i * interval, interval);
        }
        assertThat(ended).isEmpty();
        session.heard();
        for (int i = 4; i <= 6; i++) {
            session.beat(i * interval, interval);
        }
        assertThat(ended).as("it was heard in between").isEmpty();
        session.beat(7 * interval, interval);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.PEER_SILENT));
    }

    @Test
    void maxAgeIsJitteredByATenth() {
        session.opened(SEVEN);
        long now = System.nanoTime();
        long maxAge = TimeUnit.HOURS.toNanos(10);
        session.retire(now + TimeUnit.MINUTES.toNanos(539), maxAge);
        assertThat(closes).isEmpty();
        session.retire(now + TimeUnit.MINUTES.toNanos(661), maxAge);
        assertThat(closes).containsExactly(1012);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.MAX_AGE));
    }

    @Test
    void gapIsReportedOnceAtBeginAndOnceAtEnd() {
        session.opened(SEVEN);
        Gap open = gap(1);
        session.tell(open, Frame.text("begins"));
        session.tell(open, Frame.text("begins"));
        session.tell(open.closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"));
        session.tell(open.closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"));
        assertThat(sent.subList(1, sent.size())).containsExactly("begins", "over");
    }

    @Test
    void newConnectionDuringAGapIsToldAtOnce() {
        gap = gap(1);
        session.opened(SEVEN);
        assertThat(sent.get(1)).isEqualTo("{\"action\":\"gap\",\"since\":\"1970-01-01T00:00:01Z\",\"until\":null}");
        session.tell(gap, Frame.text("begins"));
        session.tell(gap.closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"));
        assertThat(sent.subList(2, sent.size())).containsExactly("over");
    }

    @Test
    void connectionAdmittedAfterTheGapMessagesIsTold() {
        gap = gap(1);
        session.opened(null);
        session.tell(gap, Frame.text("begins"));
        session.received(AUTH);
        accept("7");
        assertThat(sent.get(1)).isEqualTo("{\"action\":\"gap\",\"since\":\"1970-01-01T00:00:01Z\",\"until\":null}");
        session.tell(gap.closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"));
        assertThat(sent.subList(2, sent.size())).containsExactly("over");
    }

    @Test
    void connectionAfterAGapIsNotToldOfItsEnd() {
        session.opened(SEVEN);
        session.tell(gap(1).closed(Instant.EPOCH.plusSeconds(2)), Frame.text("over"));
        assertThat(sent).hasSize(1);
    }

    @Test
    void earlierGapIsNotReportedAfterALaterOne() {
        gap = gap(3);
        session.opened(SEVEN);
        session.tell(gap(1), Frame.text("earlier begins"));
        session.tell(gap(1).closed(Instant.EPOCH.plusSeconds(2)), Frame.text("earlier is over"));
        assertThat(sent).hasSize(2);
    }

    @Test
    void aCloseByTheClientEndsTheConnection() {
        session.opened(SEVEN);
        session.closed(Disconnect.CLIENT_CLOSED);
        assertThat(ended).containsExactly(new Disconnected(admitted.get(0), Disconnect.CLIENT_CLOSED));
        session.received(ALIVE);
        assertThat(executed).isEmpty();
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
}
