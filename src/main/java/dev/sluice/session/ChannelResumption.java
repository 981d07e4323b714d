package dev.sluice.session;

import dev.sluice.clock.Position;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.history.History;
import dev.sluice.history.Replay;
import dev.sluice.history.Replay.Ahead;
import dev.sluice.history.Replay.Entry;
import dev.sluice.history.Replay.Reason;
import dev.sluice.history.Replay.Recovered;
import dev.sluice.history.Replay.Refused;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.Watermark;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import jakarta.inject.Singleton;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Starts the delivery of channels to clients that keep a position for each, see {@link ChannelDialect}. Every method is to
 * be called on the connection's event loop.
 */
@Singleton
final class ChannelResumption {

    private final History history;
    private final Registry registry;
    private final DeliveryDispatcher deliveries;
    private final ResumeMeters meters;
    private final PositionWait wait;

    /**
     * A request to deliver channels to a client.
     *
     * @param since the channels, and its position of each; {@code null} if it has none
     * @param answer makes the answer to the client
     */
    record Request(
            Client client, Map<Channel, @Nullable Position> since, Function<Map<Channel, Start>, Frame> answer) {}

    ChannelResumption(
            History history, Registry registry, DeliveryDispatcher deliveries, ResumeMeters meters, PositionWait wait) {
        this.history = history;
        this.registry = registry;
        this.deliveries = deliveries;
        this.meters = meters;
        this.wait = wait;
    }

    /**
     * Sends the answer, with the publications that the client missed, and then later publications. Channels without a
     * position begin with the next publication.
     *
     * @param onAnswer run after the answer; never if the connection ends first
     */
    void begin(Request request, Runnable onAnswer) {
        Connection connection = request.client().connection();
        request.since().keySet().forEach(channel -> registry.suspend(connection, channel));
        wait.read(request.client(), () -> read(request), replays -> replays.containsValue(new Ahead()), replays -> {
            answer(request, replays);
            onAnswer.run();
        });
    }

    /** Ends the positions of a channel: the client subscribes again, or its own channel starts anew by itself. */
    void restart(Connection connection, ChannelDialect dialect, Channel channel) {
        connection.forget(channel);
        if (!registry.own(connection).contains(channel)) {
            registry.unsubscribe(connection, channel);
            connection.send(dialect.restarted(List.of(channel), Map.of()));
            return;
        }
        registry.suspend(connection, channel);
        Watermark end = history.watermark(channel);
        Position from = end == null ? null : history.name(end.position(), () -> List.of(channel));
        connection.send(dialect.restarted(List.of(), Map.of(channel, new Start(false, null, from))));
        registry.resume(connection, channel, end);
    }

    private Map<Channel, Replay> read(Request request) {
        Map<Channel, Replay> replays = new LinkedHashMap<>();
        request.since().forEach((channel, since) -> {
            if (since != null) {
                Position of = since.of(channel.name());
                Resumption.charge(request.client(), of);
                replays.put(channel, history.read(of, List.of(channel)));
            }
        });
        return replays;
    }

    private void answer(Request request, Map<Channel, Replay> replays) {
        Connection connection = request.client().connection();
        Map<Channel, @Nullable Watermark> ends = new HashMap<>();
        request.since().keySet().forEach(channel -> ends.put(channel, history.watermark(channel)));
        Frame answer = request.answer().apply(starts(request, replays, ends));
        // Publications that arrive meanwhile must fit as well: a client that is closed as too slow would resume from
        // the same position repeatedly.
        boolean fits = connection.hasRoom(answer.cost() * 3L / 2 + Resumption.RESERVE);
        if (!fits) {
            replays.replaceAll((channel, replay) -> new Refused(Reason.TOO_MUCH));
            answer = request.answer().apply(starts(request, replays, ends));
        }
        request.client().spend(answer.length());
        connection.send(answer);
        request.since().keySet().forEach(channel -> {
            Replay replay = replays.get(channel);
            Watermark begins = replay instanceof Recovered recovered ? recovered.end() : ends.get(channel);
            registry.resume(connection, channel, channel.route().history() ? begins : null);
            count(channel, replay);
        });
    }

    private Map<Channel, Start> starts(
            Request request, Map<Channel, Replay> replays, Map<Channel, @Nullable Watermark> ends) {
        Map<Channel, Start> starts = new LinkedHashMap<>();
        request.since().forEach((channel, since) -> {
            if (replays.get(channel) instanceof Recovered recovered) {
                List<Payload> missed =
                        recovered.entries().stream().map(Entry::payload).toList();
                // The client moves its position with each publication.
                starts.put(
                        channel,
                        new Start(
                                true,
                                null,
                                missed.isEmpty() ? name(request, recovered.upTo(), channel) : since,
                                missed));
            } else {
                Watermark end = ends.get(channel);
                Position head = end == null ? null : end.position();
                starts.put(
                        channel, new Start(since == null ? null : (Boolean) false, null, name(request, head, channel)));
            }
        });
        return starts;
    }

    private @Nullable Position name(Request request, @Nullable Position position, Channel channel) {
        return Resumption.name(history, request.client(), position, () -> List.of(channel));
    }

    private void count(Channel channel, @Nullable Replay replay) {
        if (replay instanceof Recovered recovered) {
            meters.resumed(null);
            meters.replayed(recovered.entries().size());
            recovered.entries().forEach(entry -> deliveries.replayed(channel, entry.payload()));
        } else if (replay != null) {
            meters.resumed(replay instanceof Refused refused ? refused.reason() : Reason.UNKNOWN);
        }
    }
}
