package dev.sluice.session;

import dev.sluice.clock.EntryId;
import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.history.Replay.Reason;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Deferral;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.stream.StreamReader;
import dev.sluice.stream.StreamReader.Standing;
import dev.sluice.stream.StreamReplay;
import dev.sluice.stream.StreamReplay.Progress;
import dev.sluice.stream.StreamReplay.Slice;
import io.vertx.core.Vertx;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Starts the delivery of channels that are read from streams to clients that keep a position for each channel, see {@link
 * ChannelDialect}. What a client missed follows the answer as publications, as fast as it reads. Every method is to be
 * called on the connection's event loop.
 */
@Singleton
final class ChannelStreams {

    /** How long to wait before it is checked whether a slow client has read. */
    private static final long ROOM_MILLIS = 20;

    /** How long to wait before Redis is tried again. */
    private static final long REDIS_MILLIS = 500;

    /** Less than the five seconds for which the SDKs wait for an answer. */
    private static final long MAX_WAIT_MILLIS = 2_000;

    private final Registry registry;
    private final DeliveryDispatcher deliveries;
    private final StreamReader reader;
    private final StreamReplay replays;
    private final ResumeMeters meters;
    private final Timer timer;
    private final int sliceBytes;

    /** Answers a request, in the same turn of the event loop. */
    interface Answer {

        /**
         * Sends the answer, unless another channel is to be answered with it.
         *
         * @param start {@code null} if Redis does not answer
         * @return whether the answer has been sent, and delivery begins
         */
        boolean send(@Nullable Start start, Following following);

        /** Answers that the client has left the channel meanwhile. */
        default void left() {}
    }

    /** What follows an answer that could not be sent at once. */
    interface Following {

        /** Delivers what was added since the start that was answered. To be called once. */
        void follow();
    }

    /**
     * A request to deliver a channel.
     *
     * @param asked whether the client wants to resume
     * @param since the last entry that it has; {@code null} if that is unknown
     */
    record Request(
            Client client,
            Channel channel,
            boolean asked,
            @Nullable EntryId since,
            Answer answer) {}

    /** A request that has been started. */
    private record Open(Request request, Deferral deferral) {
        Connection connection() {
            return request.client().connection();
        }

        ChannelDialect dialect() {
            return ChannelCommands.dialect(request.client());
        }
    }

    @Inject
    ChannelStreams(
            Registry registry,
            DeliveryDispatcher deliveries,
            StreamReader reader,
            StreamReplay replays,
            ResumeMeters meters,
            SluiceConfig config,
            Vertx vertx) {
        this(registry, deliveries, reader, replays, meters, Timer.of(vertx), StreamSubscriptions.sliceBytes(config));
    }

    ChannelStreams(
            Registry registry,
            DeliveryDispatcher deliveries,
            StreamReader reader,
            StreamReplay replays,
            ResumeMeters meters,
            Timer timer,
            int sliceBytes) {
        this.registry = registry;
        this.deliveries = deliveries;
        this.reader = reader;
        this.replays = replays;
        this.meters = meters;
        this.timer = timer;
        this.sliceBytes = sliceBytes;
    }

    /** Whether the channel is read from a stream, perhaps besides others. */
    static boolean reads(Channel channel) {
        return channel.route().source().readsStreams();
    }

    /** Runs a task when a new client has waited for its streams long enough, unless its connection has ended by then. */
    void whenOverdue(Client client, Runnable task) {
        later(client, MAX_WAIT_MILLIS, task);
    }

    /** Starts the delivery of a channel that the client receives from now on. */
    void begin(Request request) {
        Deferral deferral = registry.defer(request.client().connection(), request.channel());
        if (deferral == null) {
            return;
        }
        Open open = new Open(request, deferral);
        EntryId since = resumable(request.channel()) ? request.since() : null;
        if (since == null) {
            join(open, Reason.UNKNOWN);
        } else {
            replay(open, Progress.since(request.channel(), since), true);
        }
    }

    /**
     * Tells a client that entries may be lost. It subscribes again; its user's own channels start anew by themselves.
     *
     * @param reached the next delivery begins after this entry
     * @return whether the client still receives the channel
     */
    boolean lose(Connection connection, ChannelDialect dialect, Channel channel, EntryId reached) {
        boolean own = registry.own(connection).contains(channel);
        if (own) {
            connection.send(dialect.restarted(List.of(), Map.of(channel, Start.ofStream(false, reached))));
        } else {
            registry.unsubscribe(connection, channel);
            connection.forget(channel);
            connection.send(dialect.invalidated(channel));
        }
        return own;
    }

    /** Publications on channels of both sources have no common order, so that an entry says nothing of them. */
    private static boolean resumable(Channel channel) {
        return !channel.route().source().hearsPublish();
    }

    /** Begins with the next entry, because the client has no position, or can't resume from it. */
    private void join(Open open, Reason refusal) {
        reader.join(open.request().channel(), standing -> onLoop(open, () -> joined(open, standing, refusal)));
    }

    private void joined(Open open, @Nullable Standing standing, Reason refusal) {
        if (!open.deferral().hears()) {
            open.request().answer().left();
            return;
        }
        Boolean recovered = open.request().asked() ? Boolean.FALSE : null;
        if (standing == null) {
            if (open.request().answer().send(null, () -> restart(open))) {
                restart(open);
            }
            return;
        }
        count(open, refusal);
        EntryId after = standing.after();
        if (open.request().answer().send(Start.ofStream(recovered, after), () -> follow(open, after))) {
            open.deferral().end(standing.sequence());
        }
    }

    /** Begins with the next entry once the stream can be read, and tells the client that entries before it may be lost. */
    private void restart(Open open) {
        Channel channel = open.request().channel();
        reader.join(
                channel,
                standing -> onLoop(open, () -> {
                    if (!open.deferral().lasts()) {
                        return;
                    }
                    if (standing == null) {
                        later(open.request().client(), REDIS_MILLIS, () -> restart(open));
                    } else if (lose(open.connection(), open.dialect(), channel, standing.after())) {
                        open.deferral().end(standing.sequence());
                    }
                }));
    }

    /** Continues after an entry, if the cursor is still there; otherwise reads what was added meanwhile. */
    private void follow(Open open, EntryId after) {
        Channel channel = open.request().channel();
        reader.join(
                channel,
                standing -> onLoop(open, () -> {
                    if (standing != null && standing.after().equals(after)) {
                        open.deferral().end(standing.sequence());
                    } else {
                        replay(open, Progress.since(channel, after), false);
                    }
                }));
    }

    private void replay(Open open, Progress progress, boolean first) {
        if (open.connection().ended() != null) {
            return;
        }
        if (!open.deferral().lasts()) {
            if (first) {
                open.request().answer().left();
            }
        } else if (!open.connection().hasRoom(sliceBytes * 3L / 2 + Resumption.RESERVE)) {
            retry(open, progress, first, ROOM_MILLIS);
        } else {
            replays.read(
                    progress,
                    sliceBytes,
                    Dialect.CENTRIFUGE,
                    slice -> onLoop(open, () -> send(open, progress, first, slice)));
        }
    }

    private void send(Open open, Progress progress, boolean first, @Nullable Slice slice) {
        if (!open.deferral().lasts()) {
            replay(open, progress, first);
            return;
        }
        if (slice == null) {
            if (first) {
                joined(open, null, Reason.UNKNOWN);
            } else {
                retry(open, progress, false, REDIS_MILLIS);
            }
            return;
        }
        boolean nothing = slice.payloads().isEmpty();
        if (first && nothing && slice.connected() && !slice.complete()) {
            // The first entry decides.
            retry(open, progress, true, ROOM_MILLIS);
            return;
        }
        if (first && !nothing && mayHave(open, slice.payloads().get(0))) {
            join(open, Reason.UNKNOWN);
            return;
        }
        if (nothing && !slice.connected() && slice.complete()) {
            // The stream has lost the client's last entry, which must not stay its position.
            if (first) {
                join(open, Reason.TOO_OLD);
            } else {
                restart(open);
            }
            return;
        }
        ReplayBatch batch = new ReplayBatch(open.dialect());
        slice.payloads().forEach(payload -> batch.add(open.request().channel(), payload));
        if (!open.connection().hasRoom(batch.cost() + Resumption.RESERVE)) {
            retry(open, progress, first, ROOM_MILLIS);
            return;
        }
        if (first) {
            count(open, slice.connected() ? null : Reason.TOO_OLD);
            EntryId at = slice.connected() || !nothing
                    ? progress.after()
                    : slice.progress().after();
            if (!open.request().answer().send(Start.ofStream(slice.connected(), at), () -> follow(open, at))) {
                return;
            }
        } else if (!slice.connected()
                && !lose(open.connection(), open.dialect(), open.request().channel(), progress.after())) {
            return;
        }
        proceed(open, slice, batch);
    }

    private void proceed(Open open, Slice slice, ReplayBatch batch) {
        if (batch.count() > 0) {
            open.request().client().spend(batch.length());
            deliveries.replay(open.connection(), batch);
            meters.replayed(batch.count());
        }
        if (slice.complete()) {
            open.deferral().end(slice.sequence());
        } else if (batch.count() == 0) {
            retry(open, slice.progress(), false, ROOM_MILLIS);
        } else {
            replay(open, slice.progress(), false);
        }
    }

    /** Whether the client may have received the first entry after its last one, which it can't name. */
    private static boolean mayHave(Open open, Payload first) {
        return first.id() != null && !open.dialect().canName(first.id());
    }

    private void count(Open open, @Nullable Reason refusal) {
        if (open.request().asked()) {
            meters.resumed(refusal);
        }
    }

    private void retry(Open open, Progress progress, boolean first, long millis) {
        later(open.request().client(), millis, () -> replay(open, progress, first));
    }

    private void later(Client client, long millis, Runnable task) {
        timer.after(millis, () -> StreamSubscriptions.onLoop(client, task));
    }

    /** Runs a task before later publications of the channel are delivered, unless the connection has ended by then. */
    private static void onLoop(Open open, Runnable task) {
        StreamSubscriptions.onLoop(open.deferral(), open.request().client(), task);
    }

    /** Returns the dialect of the connection; {@code null} if its client does not keep a position for each channel. */
    static @Nullable ChannelDialect dialect(Connection connection) {
        return Dialect.ALL.stream()
                .filter(dialect -> dialect.tag().equals(connection.protocol()))
                .filter(ChannelDialect.class::isInstance)
                .map(ChannelDialect.class::cast)
                .findFirst()
                .orElse(null);
    }
}
