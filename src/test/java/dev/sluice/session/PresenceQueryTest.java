package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.IntNode;
import dev.sluice.access.HandDrivenAuthorizer;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.fleet.Listeners;
import dev.sluice.http.ProblemException;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage.Presence;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.route.Channel;
import io.smallrye.mutiny.Uni;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class PresenceQueryTest {

    private static final Channel CHANNEL = TestOutboxFactory.channel("upload:1");

    private final Loop loop = new Loop(0, Runnable::run);
    private final RecordingFrameWriter writer = new RecordingFrameWriter();
    private final CompletableFuture<Listeners> answer = new CompletableFuture<>();
    private final HandDrivenAuthorizer authorizer = new HandDrivenAuthorizer();
    private int asked;
    private final PresenceQuery query = new PresenceQuery(
            (channel, byClient) -> {
                asked++;
                return Uni.createFrom().completionStage(answer);
            },
            TestCommandHandler.noEvents(),
            TestAuthorizers.asking(authorizer));

    private TestClient client(Dialect dialect) {
        return client(dialect, true);
    }

    private TestClient client(Dialect dialect, boolean granted) {
        Connection connection = new Connection(
                "7",
                channel -> granted,
                TestOutboxFactory.standard().open(writer, loop, reason -> {}),
                loop,
                ended -> {});
        return new TestClient(connection, dialect);
    }

    private static Presence presence(int id) {
        return new Presence("upload:1", false, IntNode.valueOf(id));
    }

    @Test
    void simultaneousRequestsCostOneQuestion() {
        TestClient client = client(Dialect.V2);
        query.answer(client, CHANNEL, presence(1));
        query.answer(client, CHANNEL, presence(2));
        answer.complete(new Listeners(2, 2, Set.of("7"), Map.of(), true, "pod", null));
        query.answer(client, CHANNEL, presence(3));
        assertThat(asked).isEqualTo(1);
        assertThat(client.spent)
                .as("bytes charged")
                .isGreaterThanOrEqualTo(
                        writer.sent.stream().mapToInt(String::length).sum());
        assertThat(writer.sent)
                .hasSize(3)
                .allMatch(
                        frame -> frame.startsWith("{\"action\":\"presence\",\"channel\":\"upload:1\",\"scope\":\"pod\","
                                + "\"connections\":2,\"count\":2,\"users\":[\"7\"],\"complete\":false,"));
    }

    @Test
    void clientLearnsOfAChannelThatItMayHearWithoutAQuestion() {
        answer.complete(new Listeners(1, 1, Set.of("8"), Map.of(), true, "fleet", null));
        query.answerIfAllowed(client(Dialect.V2, false), CHANNEL, presence(1));
        query.answerIfAllowed(client(Dialect.V2, true), TestOutboxFactory.channel("team:red"), presence(2));
        assertThat(authorizer.questions).isEmpty();
        assertThat(writer.sent).hasSize(2).allMatch(frame -> frame.contains("\"users\":[\"8\"]"));
    }

    @Test
    void clientLearnsNothingOfAChannelThatItMayNotHear() {
        query.answerIfAllowed(client(Dialect.V2, false), TestOutboxFactory.channel("team:red"), presence(1));
        query.answerIfAllowed(client(Dialect.V2), TestOutboxFactory.channel("user:8"), presence(2));
        TestClient client = client(Dialect.V2);
        query.answerIfAllowed(client, TestOutboxFactory.channel("owned:1"), presence(3));
        authorizer.questions.get(0).complete(false);
        assertThat(asked).isZero();
        assertThat(writer.sent).hasSize(3).allMatch(frame -> frame.contains("\"code\":\"forbidden\""));
        query.answerIfAllowed(client, TestOutboxFactory.channel("owned:1"), presence(4));
        authorizer.questions.get(1).completeExceptionally(new IllegalStateException("no answer"));
        assertThat(writer.sent.get(3)).contains("\"code\":\"unavailable\"");
        assertThat(asked).isZero();
    }

    @Test
    void clientWaitsForOneDecisionAtATime() {
        TestClient client = client(Dialect.V2);
        query.answerIfAllowed(client, TestOutboxFactory.channel("owned:1"), presence(1));
        query.answerIfAllowed(client, TestOutboxFactory.channel("owned:2"), presence(2));
        assertThat(authorizer.questions).hasSize(1);
        assertThat(writer.sent).singleElement().asString().contains("\"code\":\"unavailable\"", "\"id\":2");
        authorizer.questions.get(0).complete(true);
        answer.complete(new Listeners(1, 1, Set.of("8"), Map.of(), true, "fleet", null));
        assertThat(writer.sent).hasSize(2);
        assertThat(writer.sent.get(1)).contains("\"users\":[\"8\"]", "\"id\":1");
        query.answerIfAllowed(client, TestOutboxFactory.channel("owned:2"), presence(3));
        assertThat(authorizer.questions).hasSize(2);
    }

    @Test
    void usersOfOnePodAloneAreNotComplete() {
        query.answer(client(Dialect.V2), CHANNEL, presence(1));
        answer.complete(new Listeners(1, 1, Set.of("7"), Map.of(), false, "pod", null));
        assertThat(writer.sent)
                .singleElement()
                .asString()
                .contains("\"scope\":\"pod\"", "\"users\":[\"7\"],\"complete\":false,");
    }

    @Test
    void clientsOfCentrifugoGetNoPartOfTheList() {
        TestClient client = client(Dialect.CENTRIFUGE);
        query.answer(client, CHANNEL, presence(1));
        answer.complete(new Listeners(2, 2, Set.of(), Map.of("a", "7"), true, "fleet", null));
        assertThat(writer.sent).singleElement().asString().contains("\"code\":106");
    }

    @Test
    void refusedQuestionIsAnsweredUnavailable() {
        query.answer(client(Dialect.V2), CHANNEL, presence(1));
        answer.completeExceptionally(ProblemException.unavailable("too many"));
        assertThat(writer.sent).singleElement().asString().contains("\"code\":\"unavailable\"", "\"id\":1");
    }
}
