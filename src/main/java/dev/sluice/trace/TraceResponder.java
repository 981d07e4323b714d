package dev.sluice.trace;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.access.RecentRefusals;
import dev.sluice.fleet.AnswerBuilder;
import dev.sluice.fleet.Responder;
import dev.sluice.history.History;
import dev.sluice.history.Replay;
import dev.sluice.outbox.OutboxState;
import dev.sluice.outbox.Payload;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import dev.sluice.route.Routes;
import dev.sluice.trace.Outcome.Progress;
import dev.sluice.trace.Outcome.View;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Tells what this pod knows of a channel's recent publications and a user's connections, from the history and the
 * sessions. Never the payloads.
 */
@Singleton
final class TraceResponder implements Responder {

    static final String KIND = "trace";
    static final String USER = "user";
    static final String CHANNEL = "channel";

    /** The newest publications shown. */
    private static final int MAX_PUBLICATIONS = 20;

    /** The connections shown, the newest. */
    private static final int MAX_CONNECTIONS = 10;

    private static final int MAX_REFUSALS = 5;

    /** How long event loops may take to tell of their connections. */
    private static final Duration LOOPS = Duration.ofMillis(200);

    private final Routes routes;
    private final Registry registry;
    private final History history;
    private final RecentConnections recent;
    private final RecentGaps gaps;
    private final RecentRefusals refusals;

    TraceResponder(
            Routes routes,
            Registry registry,
            History history,
            RecentConnections recent,
            RecentGaps gaps,
            RecentRefusals refusals) {
        this.routes = routes;
        this.registry = registry;
        this.history = history;
        this.recent = recent;
        this.gaps = gaps;
        this.refusals = refusals;
    }

    @Override
    public String kind() {
        return KIND;
    }

    @Override
    public void answer(JsonNode question, AnswerBuilder answer) {
        Channel channel = routes.resolve(question.path(CHANNEL).asText());
        String user = question.path(USER).asText();
        if (channel == null) {
            answer.content().put("history", "no_route");
            return;
        }
        List<Traced> connections = connections(user, channel);
        connections.forEach(one -> answer.add("connections", one.json()));
        List<Instant> refused = refusals.of(user, channel);
        refused.subList(Math.max(0, refused.size() - MAX_REFUSALS), refused.size())
                .forEach(at -> answer.add("refused", node().put("at", millis(at))));
        gaps.of(channel.name()).forEach(gap -> answer.add("gaps", json(gap)));
        publications(channel, connections, answer);
    }

    private void publications(Channel channel, List<Traced> connections, AnswerBuilder answer) {
        if (!channel.route().history()) {
            answer.content().put("history", "off");
            return;
        }
        if (!(history.list(channel, MAX_PUBLICATIONS, null, true) instanceof Replay.Recovered found)) {
            answer.content().put("history", "unavailable");
            return;
        }
        answer.content().put("history", "on");
        long nanos = System.nanoTime();
        Instant now = Instant.now();
        List<Payload> payloads =
                found.entries().stream().map(Replay.Entry::payload).toList();
        for (Payload payload : payloads) {
            Instant at = now.minusNanos(nanos - payload.receivedAt());
            ObjectNode publication = node().put("at", millis(at)).put("bytes", payload.bytes().length);
            if (payload.position() != null) {
                publication.put("position", payload.position().toString());
            }
            ObjectNode outcomes = publication.putObject("to");
            for (Traced one : connections) {
                int between = (int) payloads.stream()
                        .filter(other -> other.sequence() > payload.sequence()
                                && one.view.progress() != null
                                && other.sequence() < one.view.progress().held())
                        .count();
                outcomes.put(
                        one.name(),
                        Outcome.of(one.view, payload.sequence(), at, between).tag());
            }
            if (!answer.add("publications", publication)) {
                return;
            }
        }
    }

    /** A connection, and what waits for it. */
    private record Traced(
            String id, String protocol, View view, @Nullable OutboxState outbox) {

        /** Short; two connections of a user are unlikely to share it. */
        String name() {
            return id.substring(0, 8);
        }

        ObjectNode json() {
            ObjectNode json = node().put("id", name()).put("protocol", protocol).put("since", millis(view.since()));
            if (view.subscribed() != null) {
                json.put("subscribed", millis(view.subscribed()));
            }
            if (!view.allowed()) {
                json.put("allowed", false);
            }
            if (outbox != null) {
                json.put("waitingBytes", outbox.waitingBytes());
            }
            if (view.until() != null && view.reason() != null) {
                json.put("until", millis(view.until()))
                        .put("reason", view.reason().tag());
            }
            return json;
        }
    }

    private List<Traced> connections(String user, Channel channel) {
        List<Traced> found = new ArrayList<>();
        boolean latest = channel.route().overflow() == Overflow.LATEST;
        for (RecentConnections.Ended ended : recent.of(user)) {
            View view = new View(
                    ended.since(),
                    ended.at(),
                    ended.reason(),
                    ended.channels().get(channel),
                    ended.all(),
                    ended.hearable().test(channel),
                    null,
                    latest);
            found.add(new Traced(ended.id(), ended.protocol(), view, null));
        }
        List<Connection> present = List.copyOf(registry.connections(user).keySet());
        List<CompletableFuture<@Nullable Traced>> asked = present.stream()
                .map(connection -> ask(connection, channel, latest))
                .toList();
        CompletableFuture<Void> all = CompletableFuture.allOf(asked.toArray(CompletableFuture[]::new));
        try {
            all.get(LOOPS.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            // The others are shown without their progress.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (int i = 0; i < present.size(); i++) {
            Traced traced = asked.get(i).isCompletedExceptionally()
                    ? null
                    : asked.get(i).getNow(null);
            found.add(traced == null ? traced(present.get(i), channel, latest, null, null) : traced);
        }
        return found.subList(Math.max(0, found.size() - MAX_CONNECTIONS), found.size());
    }

    private CompletableFuture<@Nullable Traced> ask(Connection connection, Channel channel, boolean latest) {
        CompletableFuture<@Nullable Traced> answer = new CompletableFuture<>();
        connection.loop().execute(() -> {
            OutboxState state = connection.state(channel);
            Progress progress = new Progress(
                    registry.received(connection, channel), state.held(), state.replaced(), state.lastReplacing());
            answer.complete(traced(connection, channel, latest, progress, state));
        });
        return answer;
    }

    private Traced traced(
            Connection connection,
            Channel channel,
            boolean latest,
            @Nullable Progress progress,
            @Nullable OutboxState state) {
        Map<Channel, Instant> subscriptions = registry.subscriptions(connection);
        View view = new View(
                connection.since(),
                null,
                null,
                subscriptions.get(channel),
                true,
                connection.mayHear(channel),
                progress,
                latest);
        return new Traced(connection.id(), connection.protocol(), view, state);
    }

    private static ObjectNode json(RecentGaps.Period gap) {
        ObjectNode json = node().put("since", millis(gap.since())).put("cause", gap.cause());
        if (gap.until() != null) {
            json.put("until", millis(gap.until()));
        }
        return json;
    }

    private static String millis(Instant time) {
        return time.truncatedTo(ChronoUnit.MILLIS).toString();
    }

    private static ObjectNode node() {
        return JsonNodeFactory.instance.objectNode();
    }
}
