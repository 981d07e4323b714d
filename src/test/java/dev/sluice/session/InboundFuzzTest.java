package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.access.TokenResult;
import dev.sluice.config.Scope;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.fuzz.Messages;
import dev.sluice.harness.Histories;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.ClientMessage.Pong;
import dev.sluice.protocol.ClientMessage.Subscribe;
import dev.sluice.protocol.ClientMessage.Unsubscribe;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.ErrorCode;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.retain.Retention;
import dev.sluice.retain.TestRetention;
import dev.sluice.wire.Inbound;
import dev.sluice.wire.TestInbound;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random messages of a client cause no exception, each gets exactly its answers, and the session continues to work. The
 * seed is fixed; {@code -Dsluice.fuzz.seed} sets another.
 */
@Execution(ExecutionMode.CONCURRENT)
class InboundFuzzTest {

    private static final long SEED = Long.getLong("sluice.fuzz.seed", 5);
    private static final int MESSAGES = Histories.of(20_000);
    private static final int SESSIONS = Histories.of(10_000);

    /** The maximum answer to the largest allowed frame: an id of 1,024 characters 256 times, all escaped. */
    private static final int MAX_ANSWER = 3 * 1024 * 1024;

    private static final String KEPT = "what is kept";

    /** A parser that is stricter than any browser. */
    private static final ObjectMapper STRICT = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    private final RecordingFrameWriter writer = new RecordingFrameWriter();
    private final Registry registry = TestRegistries.with(Scope.USER);
    private final Retention retention = TestRetention.with(10);
    private final TestCommandHandler commands =
            new TestCommandHandler(registry, retention, TestDispatchers.idle(registry));
    private final TestAuthentication authentication = new TestAuthentication();
    private final List<Consumer<TokenResult>> results = authentication.results;
    private final Authentication shared = authentication.with(commands.requests());
    private boolean verifiesAtOnce = true;
    private Session session = newSession();

    InboundFuzzTest() {
        authentication.admits = registry::add;
        authentication.onDisconnected = event -> registry.remove(event.connection());
        authentication.verifier = (token, span, result) -> {
            assertThat(token).isNotEmpty();
            if (verifiesAtOnce) {
                result.accept(new TokenResult.Accepted(TestAuthorizers.identity("7", "team:*")));
            } else {
                results.add(result);
            }
        };
    }

    private Session newSession() {
        return new Session(
                shared,
                commands.requests(),
                writer,
                TestOutboxFactory.standard(),
                new Loop(0, Runnable::run),
                Dialect.V1,
                on -> null);
    }

    @Test
    void messagesOfAuthenticatedClientsAreAnsweredCorrectly() {
        keepSomething();
        session.opened(TestAuthorizers.identity("7"), Opening.own(null));
        Messages messages = new Messages(SEED);
        Set<Class<?>> kinds = new HashSet<>();
        for (int i = 0; i < MESSAGES; i++) {
            String message = messages.next();
            kinds.add(Dialect.V1.parse(message).get(0).getClass());
            reporting(i, message, () -> exchange(message));
        }
        assertThat(kinds)
                .containsExactlyInAnyOrder(
                        ClientMessage.Auth.class,
                        Subscribe.class,
                        Unsubscribe.class,
                        Pong.class,
                        ClientMessage.Ping.class,
                        ClientMessage.InvalidMessage.class,
                        ClientMessage.NotAnObject.class);
        session.closed(Disconnect.CLIENT_CLOSED);
        assertThat(TestRegistries.isEmpty(registry)).isTrue();
    }

    @ParameterizedTest
    @MethodSource("corpus")
    void regressionMessagesAreAnsweredCorrectly(String message) {
        keepSomething();
        session.opened(TestAuthorizers.identity("7"), Opening.own(null));
        exchange(message);
    }

    @ParameterizedTest
    @MethodSource("corpus")
    void regressionFirstMessagesAreAnsweredCorrectly(String message) {
        begin(message);
    }

    @Test
    void firstMessageIsATokenOrClosesTheConnection() {
        Messages messages = new Messages(SEED + 1);
        for (int i = 0; i < SESSIONS; i++) {
            String message = messages.next();
            reporting(i, message, () -> begin(message));
        }
        assertThat(TestRegistries.isEmpty(registry)).isTrue();
    }

    @Test
    void messagesDuringVerificationAreAnsweredInOrderOrCloseTheConnection() {
        Messages messages = new Messages(SEED + 2);
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < SESSIONS / 10; i++) {
            int count = random.nextInt(Inbound.MAX_HELD + 5);
            int outcome = random.nextInt(4);
            List<String> held = Stream.generate(messages::next)
                    .filter(message -> message.getBytes(StandardCharsets.UTF_8).length <= TestInbound.MAX_FRAME)
                    .limit(count)
                    .toList();
            reporting(i, String.join("\n", held), () -> hold(held, outcome));
        }
        assertThat(TestRegistries.isEmpty(registry)).isTrue();
    }

    /** Sends the message and then a marker: everything before the answer to the marker is the answer to the message. */
    private void exchange(String text) {
        writer.sent.clear();
        ClientMessage message = Dialect.V1.parse(text).get(0);
        session.received(message);
        List<String> answers = List.copyOf(writer.sent);
        assertAnswered(message, answers);
        writer.sent.clear();
        session.received(
                Dialect.V1.parse("{\"action\":\"probe\",\"id\":\"probe\"}").get(0));
        assertThat(writer.sent).singleElement().asString().contains("unknown_action", "\"id\":\"probe\"");
        assertThat(writer.closes).isEmpty();
    }

    private static void assertAnswered(ClientMessage message, List<String> answers) {
        if (message instanceof Pong) {
            assertThat(answers).isEmpty();
        } else if (message instanceof Subscribe subscribe) {
            assertEachAnswered(subscribe.channels(), subscribe.id(), answers);
        } else if (message instanceof Unsubscribe unsubscribe) {
            assertEachAnswered(unsubscribe.channels(), unsubscribe.id(), answers);
        } else {
            assertThat(answers).hasSize(1);
            assertControl(answers.get(0));
        }
        assertThat(answers.stream().mapToLong(String::length).sum()).isLessThan(MAX_ANSWER);
    }

    private static void assertEachAnswered(List<String> channels, @Nullable JsonNode id, List<String> answers) {
        int next = 0;
        for (String channel : channels) {
            JsonNode answer = assertControl(answers.get(next++));
            assertThat(answer.path("action").textValue()).isIn("subscribed", "unsubscribed", "error");
            assertThat(answer.path("channel").textValue()).isEqualTo(onTheWire(channel));
            assertThat(answer.get("id") == null).isEqualTo(id == null);
            if (id != null) {
                assertThat(answer.path("id").asText()).isEqualTo(onTheWire(id.asText()));
            }
            if (answer.has("retained")) {
                assertThat(answers.get(next++)).isEqualTo(KEPT);
            }
        }
        assertThat(answers).hasSize(next);
    }

    private static JsonNode assertControl(String text) {
        JsonNode answer;
        try {
            answer = STRICT.readTree(text);
        } catch (IOException e) {
            throw new AssertionError("not JSON: " + text, e);
        }
        assertThat(answer.fieldNames().next()).isEqualTo("action");
        String action = answer.path("action").textValue();
        assertThat(action).isIn("auth_success", "subscribed", "unsubscribed", "error", "pong");
        if (action.equals("error")) {
            assertThat(answer.path("message").textValue()).isNotEmpty();
            assertThat(Stream.of(ErrorCode.values()).map(ErrorCode::code))
                    .contains(answer.path("code").textValue());
        }
        return answer;
    }

    private void begin(String text) {
        restart();
        session.opened(null, Opening.own(null));
        ClientMessage message = Dialect.V1.parse(text).get(0);
        session.received(message);
        if (message instanceof ClientMessage.Auth) {
            assertThat(writer.sent).singleElement().asString().contains("auth_success");
            assertThat(writer.closes).isEmpty();
        } else {
            boolean object = !(message instanceof ClientMessage.NotAnObject);
            assertThat(writer.closes).containsExactly(object ? 4002 : 4004);
            assertThat(writer.sent).hasSize(object ? 1 : 0);
            session.received(
                    Dialect.V1.parse("{\"type\":\"auth\",\"token\":\"t\"}").get(0));
            assertThat(writer.closes).hasSize(1);
        }
        assertThat(authentication.timerRuns).isFalse();
        session.closed(Disconnect.CLIENT_CLOSED);
    }

    private void hold(List<String> held, int outcome) {
        restart();
        verifiesAtOnce = false;
        TestInbound.TestSocket connection = new TestInbound(1_000_000, 1 << 30, 1 << 30).new TestSocket();
        session.hears(connection.guard);
        session.opened(null, Opening.own(null));
        connection.inbound.watch(session);
        connection.send("{\"type\":\"auth\",\"token\":\"t\"}");
        handle(connection);
        held.forEach(connection::send);
        handle(connection);
        assertThat(writer.sent).isEmpty();
        boolean flood = held.size() > Inbound.MAX_HELD;
        assertThat(writer.closes).hasSize(flood ? 1 : 0);
        verifiesAtOnce = true;
        switch (outcome) {
            case 0 -> results.get(0).accept(new TokenResult.Refused(TokenResult.Reason.CLAIMS, "no"));
            case 1 -> shared.timedOut(session);
            default -> results.get(0).accept(new TokenResult.Accepted(TestAuthorizers.identity("7", "team:*")));
        }
        handle(connection);
        connection.close();
        if (!flood && outcome > 1) {
            assertThat(writer.closes).isEmpty();
            assertThat(writer.sent.get(0)).contains("auth_success");
        } else {
            assertThat(writer.closes).hasSize(1);
        }
        assertThat(authentication.timerRuns).isFalse();
        session.closed(Disconnect.CLIENT_CLOSED);
    }

    /** Handles the message as Vert.x and the pod do. */
    private void handle(TestInbound.TestSocket connection) {
        for (List<String> texts = connection.passedOn(); !texts.isEmpty(); texts = connection.passedOn()) {
            assertThat(texts).hasSize(1);
            if (!session.isOver()) {
                session.received(Dialect.V1.parse(texts.get(0)).get(0));
            }
            connection.handled();
        }
    }

    private void restart() {
        writer.sent.clear();
        writer.closes.clear();
        results.clear();
        session = newSession();
    }

    private void keepSomething() {
        retention.remember(
                TestOutboxFactory.channel("upload:kept"),
                Payload.of(1, null, KEPT.getBytes(StandardCharsets.UTF_8), System.nanoTime()));
    }

    static List<String> corpus() throws IOException {
        try (InputStream in = Objects.requireNonNull(InboundFuzzTest.class.getResourceAsStream("inbound.txt"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }

    /** Replaces lone surrogates, which can't be encoded as UTF-8. */
    private static String onTheWire(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }

    private static void reporting(int number, String message, Runnable exchange) {
        try {
            exchange.run();
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError("with seed " + SEED + ", message " + number + ": " + printable(message), e);
        }
    }

    private static String printable(String message) {
        try {
            return STRICT.writeValueAsString(message);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
