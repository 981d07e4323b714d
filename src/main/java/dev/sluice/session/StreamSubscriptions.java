package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.clock.EntryId;
import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.history.Replay.Reason;
import dev.sluice.log.LimitMeter;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.ErrorCode;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Deferral;
import dev.sluice.registry.Registry;
import dev.sluice.registry.Subscribed;
import dev.sluice.route.Channel;
import dev.sluice.session.PendingSubscriptions.Request;
import dev.sluice.stream.StreamReader;
import dev.sluice.stream.StreamReplay;
import dev.sluice.stream.StreamReplay.Progress;
import dev.sluice.stream.StreamReplay.Slice;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.configuration.MemorySize;
import io.vertx.core.Vertx;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Subscribes clients to channels that are read from streams. The answer is sent once the cursor of the channel stands,
 * so that the client gets every later entry; then follows what it missed, as fast as it reads. Every method is to be
 * called on the connection's event loop.
 */
@Singleton
final class StreamSubscriptions {

    private static final Logger LOG = Logger.getLogger(StreamSubscriptions.class);

    /** How long to wait before it is checked whether a slow client has read. */
    private static final long ROOM_MILLIS = 20;

    /** How long to wait before Redis is tried again. */
    static final long REDIS_MILLIS = 500;

    private final Registry registry;
    private final DeliveryDispatcher deliveries;
    private final StreamReader reader;
    private final StreamReplay replays;
    private final ResumeMeters meters;
    private final LimitMeter tooMany;
    private final Timer timer;
    private final int sliceBytes;

    @Inject
    StreamSubscriptions(
            Registry registry,
            DeliveryDispatcher deliveries,
            StreamReader reader,
            StreamReplay replays,
            ResumeMeters meters,
            SluiceConfig config,
            Vertx vertx,
            MeterRegistry metrics) {
        this(registry, deliveries, reader, replays, meters, Timer.of(vertx), sliceBytes(config), metrics);
    }

    /** Returns how many bytes of a replay are sent at once. */
    static int sliceBytes(SluiceConfig config) {
        return (int) Math.min(
                config.history()
                        .maxReplay()
                        .map(MemorySize::asLongValue)
                        .orElseGet(() -> config.outbox().maxBytes().asLongValue() / 2),
                config.streams().maxReadBytes().asLongValue());
    }

    StreamSubscriptions(
            Registry registry,
            DeliveryDispatcher deliveries,
            StreamReader reader,
            StreamReplay replays,
            ResumeMeters meters,
            Timer timer,
            int sliceBytes,
            MeterRegistry metrics) {
        this.registry = registry;
        this.deliveries = deliveries;
        this.reader = reader;
        this.replays = replays;
        this.meters = meters;
        this.timer = timer;
        this.sliceBytes = sliceBytes;
        this.tooMany = new LimitMeter("subscriptions-per-user", metrics);
    }

    /** Subscribes the client and answers its request, unless the channel is no stream or the client can't resume it. */
    boolean takes(Client client, Channel channel, Request request) {
        if (!channel.route().source().readsStreams() || client.dialect() instanceof ChannelDialect) {
            return false;
        }
        Subscribed subscribed = registry.subscribe(client.connection(), channel);
        switch (subscribed) {
            case YES, ALREADY -> subscribe(client, channel, request, subscribed == Subscribed.YES);
            case TOO_MANY -> {
                tooMany.exceeded();
                error(client, channel, ErrorCode.TOO_MANY_SUBSCRIPTIONS, "too many subscriptions", request.id());
            }
            case GONE -> {}
        }
        return true;
    }

    private void subscribe(Client client, Channel channel, Request request, boolean joined) {
        JointRequest joint = request.joint();
        EntryId since = joint == null ? null : joint.entry();
        Boolean recovered = (joint != null && joint.asked()) ? Boolean.FALSE : null;
        if (since == null && !joined) {
            // An earlier request may still be replayed, so no position is known.
            reader.join(
                    channel,
                    standing ->
                            onLoop(client, () -> answer(client, channel, Start.ofStream(recovered, null), request)));
            return;
        }
        Deferral deferral = registry.defer(client.connection(), channel);
        if (deferral == null) {
            return;
        }
        if (since != null) {
            replay(new Replaying(client, channel, request, deferral), Progress.since(channel, since), Answered.NOT_YET);
            return;
        }
        reader.join(
                channel,
                standing -> onLoop(deferral, client, () -> {
                    if (standing == null) {
                        fail(client, channel, request, deferral);
                    } else if (deferral.hears()) {
                        answer(client, channel, Start.ofStream(recovered, standing.after()), request);
                        deferral.end(standing.sequence());
                    }
                }));
    }

    /**
     * Sends a client that has been answered what it missed of a channel, then what arrived meanwhile.
     *
     * @param told whether the client knows that it may miss entries before the first ones that it gets
     */
    void resume(Client client, Channel channel, Deferral deferral, EntryId since, boolean told) {
        replay(
                new Replaying(client, channel, null, deferral),
                Progress.since(channel, since),
                told ? Answered.LOST : Answered.YES);
    }

    /** Delivers a channel to a client that has been answered, once Redis answers, and tells it what it may have missed. */
    void follow(Client client, Channel channel, Deferral deferral, Instant answered) {
        reader.join(
                channel,
                standing -> onLoop(deferral, client, () -> {
                    if (standing == null) {
                        timer.after(
                                REDIS_MILLIS, () -> onLoop(client, () -> follow(client, channel, deferral, answered)));
                    } else if (deferral.lasts()) {
                        client.connection().send(client.dialect().gap(channel, answered, Instant.now()));
                        deferral.end(standing.sequence());
                    }
                }));
    }

    /** What a client knows of its replay. */
    private enum Answered {
        /** The first slice decides what it is told. */
        NOT_YET,
        /** It knows that entries may be lost before the next slice. */
        LOST,
        /** It must be told if entries are lost. */
        YES
    }

    /** @param request {@code null} if the client has been answered */
    private record Replaying(
            Client client, Channel channel, @Nullable Request request, Deferral deferral) {}

    private void replay(Replaying replaying, Progress progress, Answered answered) {
        Client client = replaying.client();
        if (!replaying.deferral().lasts()) {
            // A later request of the client for the same channel continues.
            if (answered == Answered.NOT_YET && replaying.deferral().hears()) {
                answer(client, replaying.channel(), Start.ofStream(false, null), replaying.request());
            }
        } else if (!client.connection().hasRoom(sliceBytes * 3L / 2 + Resumption.RESERVE)) {
            retry(replaying, progress, answered, ROOM_MILLIS);
        } else {
            replays.read(
                    progress,
                    sliceBytes,
                    client.format(),
                    slice -> onLoop(replaying.deferral(), client, () -> send(replaying, progress, answered, slice)));
        }
    }

    private void send(Replaying replaying, Progress progress, Answered answered, @Nullable Slice slice) {
        Client client = replaying.client();
        Connection connection = client.connection();
        Channel channel = replaying.channel();
        boolean first = answered == Answered.NOT_YET;
        if (slice == null && first) {
            fail(client, channel, replaying.request(), replaying.deferral());
            return;
        }
        if (slice == null || !replaying.deferral().lasts()) {
            retry(replaying, progress, answered, slice == null ? REDIS_MILLIS : 0);
            return;
        }
        ReplayBatch batch = new ReplayBatch(client.format());
        slice.payloads().forEach(payload -> batch.add(channel, payload));
        // Some connections send each entry by itself.
        if (!connection.hasRoom(batch.cost() + (long) batch.count() * Frame.OVERHEAD + Resumption.RESERVE)) {
            retry(replaying, progress, answered, ROOM_MILLIS);
            return;
        }
        if (first) {
            meters.resumed(slice.connected() ? isRecoverable(channel) ? null : Reason.UNKNOWN : Reason.TOO_OLD);
            boolean nothing = slice.complete() && batch.count() == 0 && !slice.connected();
            EntryId at = nothing ? slice.progress().after() : null;
            boolean recovered = slice.connected() && isRecoverable(channel);
            answer(client, channel, Start.ofStream(recovered, at), replaying.request());
        } else if (!slice.connected() && answered == Answered.YES) {
            Instant now = Instant.now();
            Instant since = Instant.ofEpochMilli(
                    Math.min(now.toEpochMilli(), Math.max(0, progress.after().millis())));
            connection.send(client.dialect().gap(channel, since, now));
        }
        if (batch.count() > 0) {
            client.spend(batch.length());
            deliveries.replay(connection, batch);
            meters.replayed(batch.count());
        }
        if (slice.complete()) {
            replaying.deferral().end(slice.sequence());
        } else if (batch.count() == 0) {
            retry(replaying, slice.progress(), first ? Answered.YES : answered, ROOM_MILLIS);
        } else {
            replay(replaying, slice.progress(), Answered.YES);
        }
    }

    /** Whether clients can get everything that they missed: no stream has what was sent by {@code PUBLISH}. */
    static boolean isRecoverable(Channel channel) {
        return !channel.route().source().hearsPublish();
    }

    private void retry(Replaying replaying, Progress progress, Answered answered, long millis) {
        Client client = replaying.client();
        timer.after(Math.max(1, millis), () -> onLoop(client, () -> replay(replaying, progress, answered)));
    }

    /** Runs a task before later publications of the channel are delivered, unless the connection has ended by then. */
    static void onLoop(Deferral deferral, Client client, Runnable task) {
        deferral.execute(() -> run(client, task));
    }

    /** Runs a task unless the connection has ended by then. */
    static void onLoop(Client client, Runnable task) {
        client.connection().loop().execute(() -> run(client, task));
    }

    private static void run(Client client, Runnable task) {
        if (client.connection().ended() != null) {
            return;
        }
        try {
            task.run();
        } catch (Throwable e) {
            LOG.debug("A stream could not be sent to a client", e);
            // Otherwise the client would wait for its answer for ever.
            client.connection().disconnect(Disconnect.INTERNAL_ERROR);
        }
    }

    private void fail(Client client, Channel channel, @Nullable Request request, Deferral deferral) {
        if (deferral.hears()) {
            registry.unsubscribe(client.connection(), channel);
            error(
                    client,
                    channel,
                    ErrorCode.UNAVAILABLE,
                    "can't read the stream now",
                    request == null ? null : request.id());
        }
    }

    private static void answer(Client client, Channel channel, Start start, @Nullable Request request) {
        client.connection()
                .send(client.dialect().subscribed(channel, false, start, request == null ? null : request.id()));
        JointRequest joint = request == null ? null : request.joint();
        if (joint != null) {
            joint.answered(client, channel);
        }
    }

    private static void error(Client client, Channel channel, ErrorCode code, String message, @Nullable JsonNode id) {
        client.connection().send(client.dialect().error(code, message, channel.name(), id));
    }
}
