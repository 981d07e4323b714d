package dev.sluice.session;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.history.History;
import dev.sluice.history.Replay;
import dev.sluice.history.Replay.Ahead;
import dev.sluice.history.Replay.Reason;
import dev.sluice.history.Replay.Recovered;
import dev.sluice.history.Replay.Refused;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends clients the publications after their position from the history, and lets delivery continue after them. Every
 * method is to be called on the connection's event loop.
 */
@Singleton
final class Resumption {

    /** The charge of a search besides its result, in bytes that a turn of the event loop may handle. */
    static final int SEARCH = 8 * 1024;

    /** The charge of looking at the newest publication of a channel. */
    static final int LOOK = 512;

    /** The bytes that an outbox must have room for besides one and a half replays. */
    static final int RESERVE = 4 * 1024;

    /**
     * A request to deliver channels to a client.
     *
     * @param channels the channels to deliver from the position on
     * @param joined those of them that the client did not receive before
     * @param since its position; {@code null} if it has none, so that delivery begins with the next publication
     * @param asked whether the client has named the position
     */
    record Request(
            Client client,
            List<Channel> channels,
            List<Channel> joined,
            @Nullable Position since,
            boolean asked) {}

    /**
     * The answer to a client's request.
     *
     * @param recovered whether all missed publications follow, of the channels that keep a history
     * @param begins where the delivery to a client that has named no position begins; {@code null} if the client has named
     *     one, or this pod has no positions
     * @param at everything before it has been sent on the connection; {@code null} if this pod has no positions, or the mark
     *     after the replay has it
     * @param from all later publications of the channels will be sent; {@code null} if this pod has no positions
     */
    record Answer(
            boolean recovered,
            @Nullable Position begins,
            @Nullable Position at,
            @Nullable Position from) {

        /**
         * Returns the start for the answer to a client.
         *
         * @param asked whether the client has named a position
         */
        Start start(boolean asked) {
            return new Start(asked ? (Boolean) recovered : null, at, from);
        }
    }

    private final History history;
    private final Registry registry;
    private final DeliveryDispatcher deliveries;
    private final ResumeMeters meters;
    private final PositionWait wait;

    Resumption(
            History history, Registry registry, DeliveryDispatcher deliveries, ResumeMeters meters, PositionWait wait) {
        this.history = history;
        this.registry = registry;
        this.deliveries = deliveries;
        this.meters = meters;
        this.wait = wait;
    }

    /**
     * Answers, then sends the publications that the client missed, then those that arrived meanwhile.
     *
     * @param answer called right before the missed publications are sent; never if the connection ends first
     */
    void begin(Request request, Consumer<Answer> answer) {
        Connection connection = request.client().connection();
        request.joined().forEach(channel -> registry.suspend(connection, channel));
        Position since = request.since();
        if (since == null) {
            Position from = deliveries.position(connection.loop());
            answer(request, answer, read(request, from), from);
        } else {
            connection.hold();
            wait.read(
                    request.client(),
                    () -> read(request, since),
                    Ahead.class::isInstance,
                    replay -> answerAndRelease(request, replay, answer));
        }
    }

    /**
     * Sends publications that the connection's event loop dropped, from the history. Returns false if that is
     * impossible, also because one of the channels has no history.
     *
     * @param reached everything before it has been handed to the connection
     * @param lost called if the history does not have them
     */
    boolean repeat(Client client, @Nullable Position reached, Runnable lost) {
        Connection connection = client.connection();
        // Some channels of a waiting client wait for an older position.
        if (reached == null || !connection.positioned() || client.isWaiting()) {
            return false;
        }
        List<Channel> channels = registry.channels(connection);
        if (!channels.stream().allMatch(channel -> channel.route().history())) {
            return false;
        }
        channels.forEach(channel -> registry.suspend(connection, channel));
        connection.hold();
        client.waits(true);
        Request request = new Request(client, channels, channels, reached, false);
        client.inTurn(() -> {
            if (connection.ended() != null) {
                return;
            }
            answerAndRelease(request, read(request, reached), answer -> {
                if (!answer.recovered()) {
                    lost.run();
                }
            });
            client.waits(false);
        });
        return true;
    }

    /** Charges a client for a search; to find a position that names a publication of a channel takes another one. */
    static void charge(Client client, @Nullable Position since) {
        client.spend(since == null || since.point() == null ? SEARCH : 2 * SEARCH);
    }

    /** Returns a position as the client may send it to any pod, and charges the client for finding it. */
    static @Nullable Position name(
            History history, Client client, @Nullable Position position, Supplier<List<Channel>> channels) {
        return history.name(position, () -> {
            List<Channel> looked = channels.get();
            client.spend(looked.size() * LOOK);
            return looked;
        });
    }

    private void answerAndRelease(Request request, Replay replay, Consumer<Answer> answer) {
        answer(request, answer, replay, null);
        request.client().connection().release();
    }

    private Replay read(Request request, @Nullable Position from) {
        // Delivery continues for channels that it received before; a replay would overtake its held publications.
        List<Channel> channels = request.since() == null ? request.joined() : request.channels();
        List<Channel> withHistory =
                channels.stream().filter(channel -> channel.route().history()).toList();
        // A position of one channel says nothing of others.
        if (from == null || from.era().kind() == Era.Kind.OF_SHARD || withHistory.isEmpty()) {
            return new Refused(Reason.UNKNOWN);
        }
        charge(request.client(), from);
        return history.read(from, withHistory);
    }

    private void answer(Request request, Consumer<Answer> answer, Replay replay, @Nullable Position begins) {
        Client client = request.client();
        Connection connection = client.connection();
        ReplayBatch missed = new ReplayBatch(client.dialect());
        if (replay instanceof Recovered recovered) {
            recovered.entries().forEach(entry -> missed.add(entry.channel(), entry.payload()));
        }
        // The answers and the publications that arrive meanwhile must fit as well: a client that is closed as too slow
        // would resume from the same position repeatedly.
        boolean fits = connection.hasRoom(missed.cost() * 3L / 2 + RESERVE);
        if (replay instanceof Recovered recovered && fits) {
            count(request, null);
            request.joined()
                    .forEach(channel ->
                            registry.resume(connection, channel, channel.route().history() ? recovered.end() : null));
            boolean follows = request.since() != null;
            Position at = follows || client.at() == null
                    ? null
                    : name(history, client, begins, () -> registry.channels(connection));
            answer.accept(new Answer(follows, begins, at, follows ? request.since() : begins));
            if (missed.count() > 0) {
                client.spend(missed.length());
                deliveries.replay(connection, missed);
                meters.replayed(missed.count());
            }
        } else {
            Reason unread = replay instanceof Refused refused ? refused.reason() : Reason.UNKNOWN;
            count(request, fits ? unread : Reason.TOO_MUCH);
            request.joined().forEach(channel -> registry.resume(connection, channel, null));
            // After a gap, or far behind, the loop's position is from before publications that nobody here wanted then.
            boolean hole = request.since() == null && begins != null && hasHistory(request.joined());
            answer.accept(
                    hole
                            ? new Answer(false, null, null, null)
                            : new Answer(false, null, client.at(), deliveries.position(connection.loop())));
        }
    }

    private static boolean hasHistory(List<Channel> channels) {
        return channels.stream().anyMatch(channel -> channel.route().history());
    }

    private void count(Request request, @Nullable Reason refusal) {
        if (request.asked()) {
            meters.resumed(refusal);
        }
    }
}
