package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.sluice.access.HandDrivenAuthorizer;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.config.Scope;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.retain.TestRetention;
import dev.sluice.span.RecordingSpan;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests access decisions, and requests during a decision. */
class CommandHandlerTest {

    private static final String OWNED = "owned:1";
    private static final String UPLOAD = "upload:1";
    private static final String TEAM = "team:red";

    private final HandDrivenAuthorizer authorizer = new HandDrivenAuthorizer();
    private final Registry registry = TestRegistries.with(Scope.USER);
    private final Loop loop = new Loop(0, Runnable::run);
    private CommandHandler commands =
            TestCommandHandler.of(registry, TestRetention.with(10), TestDispatchers.idle(registry), authorizer);

    private final Tab tab = new Tab("7");

    @Test
    void nothingIsDeliveredBeforeTheDecision() {
        tab.subscribe(OWNED, 1);
        assertThat(tab.writer.sent).isEmpty();
        assertThat(hears(OWNED)).isFalse();
        authorizer.questions.get(0).complete(true);
        assertThat(tab.writer.sent).containsExactly("{\"action\":\"subscribed\",\"channel\":\"owned:1\",\"id\":1}");
        assertThat(hears(OWNED)).isTrue();
    }

    @Test
    void forbiddenUserGetsAnErrorAndStaysConnected() {
        tab.subscribe(OWNED, 1);
        authorizer.questions.get(0).complete(false);
        assertThat(tab.writer.sent)
                .singleElement()
                .asString()
                .contains("\"code\":\"forbidden\"", "\"channel\":\"owned:1\"", "\"id\":1");
        assertThat(hears(OWNED)).isFalse();
        assertThat(tab.writer.closes).isEmpty();
    }

    @Test
    void missingDecisionIsAnsweredUnavailable() {
        tab.subscribe(OWNED, 1);
        authorizer.questions.get(0).completeExceptionally(new IllegalStateException("out of order"));
        assertThat(tab.writer.sent).singleElement().asString().contains("\"code\":\"unavailable\"", "\"id\":1");
        assertThat(hears(OWNED)).isFalse();
    }

    @Test
    void unsubscribeDuringTheDecisionWins() {
        tab.subscribe(OWNED, 1);
        tab.unsubscribe(OWNED, 2);
        assertThat(tab.writer.sent)
                .containsExactly(
                        "{\"action\":\"unsubscribed\",\"channel\":\"owned:1\",\"id\":1}",
                        "{\"action\":\"unsubscribed\",\"channel\":\"owned:1\",\"id\":2}");
        authorizer.questions.get(0).complete(true);
        assertThat(tab.writer.sent).hasSize(2);
        assertThat(hears(OWNED)).isFalse();
        tab.subscribe(OWNED, 3);
        authorizer.questions.get(1).complete(true);
        assertThat(tab.writer.sent.get(2)).contains("\"subscribed\"", "\"id\":3");
        assertThat(hears(OWNED)).isTrue();
    }

    @Test
    void disconnectDuringTheDecisionWins() {
        tab.subscribe(OWNED, 1);
        tab.connection.disconnect(Disconnect.CLIENT_CLOSED);
        registry.remove(tab.connection);
        authorizer.questions.get(0).complete(true);
        assertThat(tab.writer.sent).isEmpty();
        assertThat(TestRegistries.isEmpty(registry)).isTrue();
    }

    @Test
    void repeatedSubscribeAsksOnce() {
        tab.subscribe(OWNED, 1);
        tab.subscribe(OWNED, 2);
        assertThat(authorizer.questions).hasSize(1);
        authorizer.questions.get(0).complete(true);
        assertThat(tab.writer.sent)
                .satisfiesExactly(
                        one -> assertThat(one).contains("\"subscribed\"", "\"id\":1"),
                        two -> assertThat(two).contains("\"subscribed\"", "\"id\":2"));
        assertThat(tab.client.pending().count()).isZero();
    }

    @Test
    void spanOfASubscriptionEndsWithTheDecision() {
        RecordingSpan span = new RecordingSpan("upgrade");
        tab.client.span = span;
        tab.subscribe(TEAM, 1);
        tab.subscribe(OWNED, 2);
        tab.subscribe(OWNED, 3);
        assertThat(span.ended()).containsExactly("subscribe: forbidden", "subscribe: pending");
        authorizer.questions.get(0).complete(true);
        tab.subscribe(OWNED, 4);
        authorizer.questions.get(1).completeExceptionally(new IllegalStateException("out of order"));
        assertThat(span.ended().subList(2, 4)).containsExactly("subscribe: allowed", "subscribe failed: unknown");
    }

    @Test
    void waitingDecisionsAreBounded() {
        for (int i = 0; i <= registry.maxSubscriptions(); i++) {
            tab.subscribe("owned:" + i, i);
        }
        assertThat(authorizer.questions).hasSize(registry.maxSubscriptions());
        assertThat(tab.writer.sent).singleElement().asString().contains("\"code\":\"too_many_subscriptions\"");
    }

    @Test
    void idsOfUndecidedRequestsAreBounded() {
        TextNode id = new TextNode("x".repeat(1024));
        for (int i = 0; i < 17; i++) {
            commands.execute(tab.client, new ClientMessage.Subscribe(List.of("owned:" + i), true, null, id));
        }
        assertThat(authorizer.questions).hasSize(16);
        assertThat(tab.writer.sent).singleElement().asString().contains("\"code\":\"too_many_subscriptions\"");
        authorizer.questions.get(0).complete(true);
        commands.execute(tab.client, new ClientMessage.Subscribe(List.of("owned:17"), true, null, id));
        assertThat(authorizer.questions).hasSize(17);
    }

    @Test
    void refusalEndsTheSubscriptionOnEveryTab() {
        Tab other = new Tab("7");
        tab.subscribe(OWNED, 1);
        authorizer.questions.get(0).complete(true);
        other.subscribe(OWNED, 2);
        authorizer.questions.get(1).complete(false);
        assertThat(hears(OWNED)).isFalse();
        assertThat(tab.writer.sent.get(1)).isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"owned:1\"}");
        assertThat(other.writer.sent.get(0)).contains("\"code\":\"forbidden\"", "\"id\":2");
    }

    @Test
    void tokenOfTheSubscribingTabDecides() {
        Tab wide = new Tab("7", "team:*");
        tab.subscribe(TEAM, 1);
        assertThat(tab.writer.sent).singleElement().asString().contains("\"code\":\"forbidden\"");
        assertThat(hears(TEAM)).isFalse();
        wide.subscribe(TEAM, 2);
        assertThat(wide.writer.sent).singleElement().asString().contains("\"subscribed\"");
        assertThat(TestRegistries.hearing(registry, TestOutboxFactory.channel(TEAM)))
                .as("not by the wider token of another tab")
                .containsExactly(wide.connection);
        assertThat(authorizer.questions).isEmpty();
    }

    @Test
    void laterTabReceivesOnlyWhatItsTokenGrants() {
        Tab wide = new Tab("7", "team:*");
        wide.subscribe(TEAM, 1);
        new Tab("7", "team:blue");
        Tab red = new Tab("7", "team:red");
        assertThat(TestRegistries.hearing(registry, TestOutboxFactory.channel(TEAM)))
                .containsExactlyInAnyOrder(wide.connection, red.connection);
    }

    @Test
    void renewalRemovesWhatTheNewTokenDoesNotGrant() {
        Tab wide = new Tab("7", "team:*");
        wide.subscribe(TEAM, 1);
        wide.subscribe("team:blue", 2);
        wide.writer.sent.clear();
        commands.renew(wide.client, TestAuthorizers.identity("7", "team:blue"));
        assertThat(wide.writer.sent).containsExactly("{\"action\":\"unsubscribed\",\"channel\":\"team:red\"}");
        assertThat(hears(TEAM)).isFalse();
        assertThat(hears("team:blue")).isTrue();
        commands.renew(wide.client, TestAuthorizers.identity("7", "team:*"));
        assertThat(hears(TEAM))
                .as("no connection may hear it, so the subscription is gone")
                .isFalse();
    }

    @Test
    void renewalAddsSubscriptionsOfAnotherTab() {
        Tab wide = new Tab("7", "team:*");
        wide.subscribe(TEAM, 1);
        commands.renew(tab.client, TestAuthorizers.identity("7", "team:red"));
        assertThat(TestRegistries.hearing(registry, TestOutboxFactory.channel(TEAM)))
                .containsExactlyInAnyOrder(wide.connection, tab.connection);
        registry.remove(wide.connection);
        registry.remove(tab.connection);
        assertThat(TestRegistries.isEmpty(registry)).isTrue();
    }

    @Test
    void subscriptionWithoutAllowedConnectionEnds() {
        Tab wide = new Tab("7", "team:*");
        wide.subscribe(TEAM, 1);
        registry.remove(wide.connection);
        assertThat(hears(TEAM)).isFalse();
        commands.renew(tab.client, TestAuthorizers.identity("7", "team:*"));
        assertThat(hears(TEAM)).isFalse();
    }

    @Test
    void unsubscribeWinsOverARequestThatWaitsForAnotherChannel() {
        Tab joint = new Tab(Dialect.V2, "7");
        joint.subscribe(List.of(OWNED, UPLOAD), 1);
        assertThat(joint.writer.sent).isEmpty();
        joint.unsubscribe(UPLOAD, 2);
        assertThat(joint.writer.sent)
                .containsExactly(
                        "{\"action\":\"unsubscribed\",\"channel\":\"upload:1\",\"id\":1}",
                        "{\"action\":\"unsubscribed\",\"channel\":\"upload:1\",\"id\":2}");
        authorizer.questions.get(0).complete(true);
        assertThat(hears(UPLOAD)).isFalse();
        assertThat(hears(OWNED)).isTrue();
        assertThat(joint.writer.sent).hasSize(3);
        assertThat(joint.writer.sent.get(2)).contains("\"subscribed\"", OWNED).doesNotContain(UPLOAD);
    }

    @Test
    void oneRequestEndsSubscriptionsAndThoseThatWait() {
        Tab joint = new Tab(Dialect.V2, "7");
        joint.subscribe(List.of(OWNED, UPLOAD), 1);
        joint.unsubscribe(List.of(OWNED, UPLOAD), 2);
        authorizer.questions.get(0).complete(true);
        assertThat(hears(UPLOAD)).isFalse();
        assertThat(hears(OWNED)).isFalse();
        assertThat(joint.client.pending().count()).isZero();
    }

    @Test
    void renewalEndsWhatWaitsForAnotherChannel() {
        Tab joint = new Tab(Dialect.V2, "7", "team:*");
        joint.subscribe(List.of(OWNED, TEAM), 1);
        commands.renew(joint.client, TestAuthorizers.identity("7"));
        authorizer.questions.get(0).complete(true);
        assertThat(hears(TEAM)).isFalse();
        assertThat(hears(OWNED)).isTrue();
        assertThat(joint.writer.sent.get(0))
                .contains("\"code\":\"forbidden\"", "the channels claim of the token", TEAM, "\"id\":1");
    }

    private boolean hears(String channel) {
        return !TestRegistries.hearing(registry, TestOutboxFactory.channel(channel))
                .isEmpty();
    }

    /** A connection of a user. */
    @ParameterizedTest
    @MethodSource("dialects")
    void clientThatSubscribesDuringALossIsToldOfIt(Dialect dialect) {
        LossyChannels channels = new LossyChannels();
        channels.losses.put("upload:lossy", Instant.EPOCH);
        commands = TestCommandHandler.of(
                registry,
                TestHistory.standard(),
                TestRetention.with(10),
                TestDispatchers.idle(registry),
                authorizer,
                new PositionWait(Duration.ofSeconds(1), new TestTimer(), System::nanoTime),
                channels);
        Tab client = new Tab(dialect, "8");
        client.subscribe("upload:sound", 1);
        assertThat(client.writer.sent).hasSize(1);
        client.subscribe("upload:lossy", 2);
        assertThat(client.writer.sent)
                .satisfiesExactly(
                        sound -> assertThat(sound).contains("\"id\":1"),
                        lossy -> assertThat(lossy).contains("\"id\":2"),
                        gap -> assertThat(gap)
                                .contains("\"action\":\"gap\",\"channel\":\"upload:lossy\","
                                        + "\"since\":\"1970-01-01T00:00:00Z\",\"until\":null"));
    }

    static List<Dialect> dialects() {
        return List.of(Dialect.V1, Dialect.V2, Dialect.CENTRIFUGE);
    }

    private final class Tab {
        final RecordingFrameWriter writer = new RecordingFrameWriter();
        final Connection connection;
        final TestClient client;

        Tab(String user, String... grants) {
            this(Dialect.V1, user, grants);
        }

        Tab(Dialect dialect, String user, String... grants) {
            var identity = TestAuthorizers.identity(user, grants);
            connection = new Connection(
                    user,
                    identity.grants(),
                    TestOutboxFactory.standard().open(writer, loop, reason -> {}),
                    loop,
                    event -> {},
                    dialect.tag(),
                    dialect.positioned(),
                    true);
            client = new TestClient(connection, dialect);
            registry.add(connection);
        }

        void subscribe(String channel, int id) {
            subscribe(List.of(channel), id);
        }

        void subscribe(List<String> channels, int id) {
            commands.execute(client, new ClientMessage.Subscribe(channels, true, null, new IntNode(id)));
        }

        void unsubscribe(String channel, int id) {
            unsubscribe(List.of(channel), id);
        }

        void unsubscribe(List<String> channels, int id) {
            commands.execute(client, new ClientMessage.Unsubscribe(channels, new IntNode(id)));
        }
    }
}
