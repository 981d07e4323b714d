package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.guard.TurnScheduler;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.WebSocketFrame;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InboundTest {

    private static final String LARGE = "x".repeat(TestInbound.MAX_FRAME);

    private final TestInbound pod = new TestInbound();
    private final TestInbound.TestSocket connection = pod.new TestSocket();
    private final List<TestInbound.TestSocket> others = new ArrayList<>();
    private final RecordingPeer peer = new RecordingPeer();

    @AfterEach
    void nothingIsChargedOnceTheConnectionsAreClosed() {
        connection.close();
        others.forEach(other -> other.close());
        assertThat(pod.pending()).isZero();
    }

    @Test
    void messagesArePassedOnOneAtATime() {
        connection.inbound.watch(peer);
        connection.send("1", "2", "3");
        assertThat(connection.passedOn()).containsExactly("1");
        connection.inbound.handled();
        assertThat(connection.passedOn()).containsExactly("2");
        connection.inbound.handled();
        connection.inbound.handled();
        assertThat(connection.passedOn()).containsExactly("3");
        assertThat(pod.pending()).isZero();
    }

    @Test
    void messagesWaitForTheReceiver() {
        connection.send("1", "2");
        assertThat(connection.passedOn()).isEmpty();
        connection.inbound.watch(peer);
        assertThat(connection.passedOn()).containsExactly("1");
    }

    @Test
    void messagesWaitInOrderWhileTheReceiverIsBusy() {
        connection.inbound.watch(peer);
        peer.takes = false;
        List<String> texts =
                IntStream.range(0, Inbound.MAX_HELD).mapToObj(Integer::toString).toList();
        texts.forEach(connection::send);
        assertThat(connection.passedOn()).isEmpty();
        peer.takes = true;
        connection.inbound.proceed();
        for (String text : texts) {
            assertThat(connection.passedOn()).containsExactly(text);
            connection.inbound.handled();
        }
        assertThat(peer.told).isEmpty();
    }

    @Test
    void waitingMessagesAreBounded() {
        connection.inbound.watch(peer);
        peer.takes = false;
        for (int i = 0; i <= Inbound.MAX_HELD; i++) {
            connection.send("x");
        }
        assertThat(peer.told).containsExactly("held too many");
        assertThat(pod.pending()).isZero();
        peer.takes = true;
        connection.inbound.proceed();
        assertThat(connection.passedOn()).isEmpty();
    }

    @Test
    void connectionOverItsShareIsNotRead() {
        connection.inbound.authenticated();
        connection.inbound.watch(peer);
        connection.send("1");
        assertThat(connection.isRead()).isTrue();
        connection.send(LARGE);
        assertThat(connection.isRead()).isFalse();
        connection.inbound.handled();
        connection.inbound.handled();
        assertThat(connection.isRead()).isTrue();
        assertThat(peer.told).isEmpty();
    }

    @Test
    void endOfStreamReadStaysWithinTheShare() {
        connection.inbound.authenticated();
        connection.inbound.watch(peer);
        peer.takes = false;
        for (int i = 0; i < 50; i++) {
            connection.send(LARGE);
            assertThat(pod.pending()).isLessThan(TestInbound.PER_CONNECTION + 5 * TestInbound.MAX_FRAME + 64 * 1024);
        }
        assertThat(peer.told).containsExactly("inbound_full");
    }

    @Test
    void unauthenticatedClientsAreRefusedBeforeThePodIsFull() {
        for (int i = 0; i < 20; i++) {
            hold(connection());
        }
        double refused = pod.refused("inbound-bytes");
        assertThat(pod.pending()).isLessThan(TestInbound.PER_POD / 2.0 + 3 * TestInbound.MAX_FRAME);
        assertThat(refused).isPositive();
        connection.inbound.authenticated();
        connection.inbound.watch(peer);
        connection.send("x".repeat(30_000));
        assertThat(connection.passedOn()).hasSize(1);
        assertThat(connection.isRead()).isTrue();
        assertThat(pod.refused("inbound-bytes")).isEqualTo(refused);
        TestInbound.TestSocket small = connection();
        RecordingPeer polite = new RecordingPeer();
        small.inbound.watch(polite);
        small.send("x".repeat(8_000));
        assertThat(small.passedOn()).as("a message of a usual size").hasSize(1);
        assertThat(polite.told).isEmpty();
    }

    @Test
    void authenticatedClientIsNotReadWhileThePodIsFull() {
        for (int i = 0; i < 20; i++) {
            TestInbound.TestSocket other = connection();
            other.inbound.authenticated();
            hold(other);
        }
        connection.inbound.authenticated();
        connection.inbound.watch(peer);
        connection.send("x".repeat(10_000));
        assertThat(connection.isRead()).isFalse();
        connection.inbound.handled();
        assertThat(connection.isRead()).isTrue();
        assertThat(peer.told).isEmpty();
    }

    @Test
    void partialFramesCountTowardsTheBudget() {
        for (int i = 0; i < 40; i++) {
            TestInbound.TestSocket other = connection();
            other.inbound.watch(new RecordingPeer());
            arrive(other, 30_000);
        }
        assertThat(pod.pending()).isBetween(TestInbound.PER_POD / 4.0 - 30_000, TestInbound.PER_POD / 4.0 + 30_000);
        assertThat(pod.refused("inbound-bytes")).isPositive();
    }

    @Test
    void unfinishedMessagesLeaveRoomForFinishedOnes() {
        for (int i = 0; i < 40; i++) {
            TestInbound.TestSocket other = connection();
            other.inbound.watch(new RecordingPeer());
            other.channel.writeInbound(new TextWebSocketFrame(false, 0, LARGE));
        }
        assertThat(pod.pending()).isLessThan(TestInbound.PER_POD / 4.0 + InboundBudget.cost(TestInbound.MAX_FRAME));
        connection.inbound.watch(peer);
        connection.send("x".repeat(30_000));
        assertThat(connection.passedOn()).hasSize(1);
        assertThat(peer.told).isEmpty();
    }

    @Test
    void overlongFragmentsDoNotDelayOtherClients() {
        for (int i = 0; i < 3; i++) {
            TestInbound.TestSocket other = connection();
            other.inbound.watch(new RecordingPeer());
            other.channel.writeInbound(new TextWebSocketFrame(false, 0, LARGE));
            assertThatThrownBy(() -> other.channel.writeInbound(new ContinuationWebSocketFrame(true, 0, "x")))
                    .isInstanceOfSatisfying(
                            CorruptedWebSocketFrameException.class,
                            tooLong ->
                                    assertThat(tooLong.closeStatus()).isEqualTo(WebSocketCloseStatus.MESSAGE_TOO_BIG));
            assertThat(other.passedOn()).containsExactly(LARGE);
            other.channel.releaseOutbound();
        }
        connection.inbound.watch(peer);
        connection.channel.writeInbound(
                new TextWebSocketFrame(false, 0, "x"),
                new ContinuationWebSocketFrame(true, 0, "x".repeat(TestInbound.MAX_FRAME - 1)));
        assertThat(connection.passedOn()).hasSize(2);
    }

    @Test
    void fragmentedMessageIsUnfinishedUntilItsLastFragment() {
        connection.inbound.watch(peer);
        connection.send("whole");
        assertUnfinished(false);
        connection.channel.writeInbound(new ContinuationWebSocketFrame(false, 0, "a"));
        assertUnfinished(true);
        assertThat(connection.inbound.isUnfinishedFor(System.nanoTime(), TimeUnit.SECONDS.toNanos(10)))
                .isFalse();
        connection.channel.writeInbound(new PongWebSocketFrame());
        assertUnfinished(true);
        connection.channel.writeInbound(new ContinuationWebSocketFrame(true, 0, "b"));
        assertUnfinished(false);
        arrive(connection, 100);
        assertUnfinished(true);
        connection.send("the whole of it");
        assertUnfinished(false);
    }

    @Test
    void messagesWaitingForAReaderAreNotDroppedOnClose() {
        connection.inbound.authenticated();
        connection.inbound.watch(peer);
        peer.takes = false;
        int many = 2 * Inbound.MAX_HELD;
        for (int i = 0; i < many; i++) {
            connection.send("x");
        }
        connection.channel.writeInbound(new CloseWebSocketFrame(1000, ""));
        assertThat(connection.passedOn()).isEmpty();
        peer.takes = true;
        connection.inbound.proceed();
        for (int i = 0; i < many; i++) {
            assertThat(connection.passedOn()).containsExactly("x");
            connection.inbound.handled();
        }
        assertThat(connection.passedOn()).containsExactly("CloseWebSocketFrame");
        assertThat(peer.told).isEmpty();
    }

    @Test
    void closeFrameAloneDoesNotWait() {
        connection.inbound.authenticated();
        connection.inbound.watch(peer);
        connection.send("1");
        assertThat(connection.passedOn()).containsExactly("1");
        connection.channel.writeInbound(new CloseWebSocketFrame(1000, ""));
        peer.takes = false;
        connection.inbound.handled();
        assertThat(connection.passedOn()).containsExactly("CloseWebSocketFrame");
    }

    @Test
    void connectionsAreHandledInTurn() {
        int perTurn = TurnScheduler.PER_TURN / InboundBudget.cost(TestInbound.MAX_FRAME) + 1;
        for (int i = 0; i < perTurn + 1; i++) {
            TestInbound.TestSocket other = connection();
            other.inbound.authenticated();
            other.inbound.watch(new RecordingPeer());
            other.send(LARGE, LARGE);
        }
        TestInbound.TestSocket last = others.get(perTurn);
        assertThat(others.subList(0, perTurn))
                .allSatisfy(one -> assertThat(one.passedOn()).hasSize(1));
        assertThat(last.passedOn().isEmpty()).as("the turn is over").isTrue();
        others.get(0).inbound.handled();
        pod.turn(1);
        assertThat(last.passedOn().size()).isEqualTo(1);
        assertThat(others.get(0).passedOn().size())
                .as("the second message of the first client comes after those of the others")
                .isEqualTo(1);
    }

    @Test
    void vertxReturnsWholeMessages() {
        connection.inbound.watch(peer);
        connection.inbound.handle(WebSocketFrame.textFrame("whole", true));
        connection.inbound.handle(WebSocketFrame.textFrame("", false));
        connection.inbound.handle(
                WebSocketFrame.continuationFrame(Buffer.buffer("\u00e4").slice(0, 1), false));
        connection.inbound.handle(
                WebSocketFrame.continuationFrame(Buffer.buffer("\u00e4").slice(1, 2), true));
        connection.inbound.handle(WebSocketFrame.binaryFrame(Buffer.buffer("a"), false));
        connection.inbound.handle(WebSocketFrame.continuationFrame(Buffer.buffer("b"), true));
        assertThat(peer.told).containsExactly("text whole", "text \u00e4", "binary");
    }

    @Test
    void messageThatCannotBeHandledEndsTheConnection() {
        connection.inbound.watch(peer);
        peer.throwsError = true;
        connection.send("1", "2");
        assertThat(connection.passedOn()).containsExactly("1");
        connection.inbound.handle(WebSocketFrame.textFrame("1", true));
        assertThat(peer.told).containsExactly("text 1", "internal_error");
        assertThat(connection.passedOn()).containsExactly("2");
        connection.inbound.handled();
    }

    @Test
    void fragmentsOfAMessageArePassedOnTogether() {
        connection.inbound.watch(peer);
        connection.channel.writeInbound(
                new TextWebSocketFrame(false, 0, "a"),
                new PongWebSocketFrame(),
                new ContinuationWebSocketFrame(false, 0, "b"),
                new ContinuationWebSocketFrame(true, 0, "c"));
        connection.send("next");
        assertThat(connection.passedOn())
                .containsExactly("a", "ContinuationWebSocketFrame", "ContinuationWebSocketFrame");
        connection.inbound.handled();
        assertThat(connection.passedOn()).containsExactly("next");
    }

    @Test
    void pingsAreAnsweredWhileMessagesWait() {
        connection.inbound.watch(peer);
        peer.takes = false;
        connection.send("waits");
        connection.channel.writeInbound(new PingWebSocketFrame(Unpooled.wrappedBuffer(new byte[3])));
        assertThat(peer.told).containsExactly("ping of 3");
    }

    @Test
    void closeFrameFollowsEarlierMessages() {
        connection.inbound.watch(peer);
        connection.send("1", "2");
        connection.channel.writeInbound(new CloseWebSocketFrame(1000, ""));
        assertThat(connection.passedOn()).containsExactly("1");
        connection.inbound.handled();
        assertThat(connection.passedOn()).containsExactly("2");
        connection.inbound.handled();
        assertThat(connection.passedOn()).containsExactly("CloseWebSocketFrame");
    }

    @Test
    void closeDoesNotWaitForTheTokenResult() {
        connection.inbound.watch(peer);
        peer.takes = false;
        connection.send("1", "2");
        connection.channel.writeInbound(new CloseWebSocketFrame(1000, ""));
        assertThat(connection.passedOn()).containsExactly("CloseWebSocketFrame");
        assertThat(pod.pending()).isZero();
    }

    @Test
    void onlyTheClientsCloseIsPassedOnAfterOurCloseFrame() {
        connection.inbound.watch(peer);
        connection.send("1", "2");
        connection.channel.writeOutbound(new CloseWebSocketFrame(4002, ""));
        connection.send("3");
        assertThat(connection.passedOn()).containsExactly("1");
        connection.inbound.handled();
        connection.channel.writeInbound(new CloseWebSocketFrame(4002, ""));
        assertThat(connection.passedOn()).containsExactly("CloseWebSocketFrame");
        assertThat(pod.pending()).isZero();
        assertThat(connection.isRead()).isTrue();
        for (int i = 0; i < 256; i++) {
            connection.send("more");
        }
        assertThat(connection.isRead()).isFalse();
        connection.channel.releaseOutbound();
    }

    @Test
    void floodBeforeTheReceiverExistsEndsTheConnectionOnce() {
        TestInbound.TestSocket flooding = new TestInbound(3).new TestSocket();
        ByteBuf payload = Unpooled.buffer().writeZero(10);
        flooding.send("1", "2", "3", "4", "5");
        flooding.channel.writeInbound(new TextWebSocketFrame(payload));
        assertThat(payload.refCnt()).isZero();
        flooding.inbound.watch(peer);
        assertThat(peer.told).containsExactly("flooded");
        assertThat(flooding.passedOn()).isEmpty();
    }

    private void assertUnfinished(boolean expected) {
        long later = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        assertThat(connection.inbound.isUnfinishedFor(later, TimeUnit.SECONDS.toNanos(10)))
                .isEqualTo(expected);
    }

    private TestInbound.TestSocket connection() {
        TestInbound.TestSocket other = pod.new TestSocket();
        others.add(other);
        return other;
    }

    /** Sends as much as the pod reads, to a peer that handles nothing. */
    private static void hold(TestInbound.TestSocket by) {
        RecordingPeer busy = new RecordingPeer();
        busy.takes = false;
        by.inbound.watch(busy);
        for (int i = 0; i < 5 && by.isRead(); i++) {
            by.send(LARGE);
        }
    }

    /** Delivers bytes of an incomplete frame, in reads of the maximum size. */
    private static void arrive(TestInbound.TestSocket at, int bytes) {
        for (int left = bytes; left > 0; left -= InboundBudget.UNFINISHED_ALLOWED) {
            at.inbound.decoding();
            at.inbound.decoded(Math.min(left, InboundBudget.UNFINISHED_ALLOWED));
        }
    }
}
