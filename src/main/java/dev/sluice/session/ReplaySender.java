package dev.sluice.session;

import dev.sluice.clock.EntryId;
import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Deferral;
import dev.sluice.route.Channel;
import dev.sluice.session.ChannelReplay.Next;
import dev.sluice.stream.StreamReader;
import dev.sluice.stream.StreamReader.Standing;
import dev.sluice.stream.StreamReplay;
import dev.sluice.stream.StreamReplay.Progress;
import dev.sluice.stream.StreamReplay.Slice;
import io.quarkus.runtime.configuration.MemorySize;
import io.vertx.core.Vertx;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Sends clients what they missed of streams, in slices, as fast as they read. The replays of a client take turns, so that
 * it causes one read at a time. Every method is to be called on the connection's event loop.
 */
@Singleton
final class ReplaySender {

    private static final Logger LOG = Logger.getLogger(ReplaySender.class);

    /** How long to wait before it is checked whether a slow client has read. */
    private static final long ROOM_MILLIS = 20;

    /** How long to wait before Redis is tried again. */
    static final long REDIS_MILLIS = 500;

    /** How long a request waits for its turn while Redis does not answer; the SDKs wait for five seconds. */
    private static final long MAX_WAIT_NANOS = Duration.ofSeconds(2).toNanos();

    private final DeliveryDispatcher deliveries;
    private final StreamReader reader;
    private final StreamReplay replays;
    private final ResumeMeters meters;
    private final Timer timer;
    private final LongSupplier nanoTime;
    private final int sliceBytes;

    @Inject
    ReplaySender(
            DeliveryDispatcher deliveries,
            StreamReader reader,
            StreamReplay replays,
            ResumeMeters meters,
            SluiceConfig config,
            Vertx vertx) {
        this(deliveries, reader, replays, meters, Timer.of(vertx), System::nanoTime, sliceBytes(config));
    }

    private static int sliceBytes(SluiceConfig config) {
        return (int) Math.min(
                config.history()
                        .maxReplay()
                        .map(MemorySize::asLongValue)
                        .orElseGet(() -> config.outbox().maxBytes().asLongValue() / 2),
                config.streams().maxReadBytes().asLongValue());
    }

    /** @param sliceBytes how many bytes are sent at once */
    ReplaySender(
            DeliveryDispatcher deliveries,
            StreamReader reader,
            StreamReplay replays,
            ResumeMeters meters,
            Timer timer,
            LongSupplier nanoTime,
            int sliceBytes) {
        this.deliveries = deliveries;
        this.reader = reader;
        this.replays = replays;
        this.meters = meters;
        this.timer = timer;
        this.nanoTime = nanoTime;
        this.sliceBytes = sliceBytes;
    }

    /** Sends what was added after the entry, and then lets delivery continue. */
    void begin(ChannelReplay replay, EntryId after) {
        replay.progress = Progress.since(replay.channel, after);
        replay.begun = nanoTime.getAsLong();
        join(replay);
    }

    /** Waits for the cursor before the replay takes its turn, so that the client's other replays do not wait for it. */
    private void join(ChannelReplay replay) {
        reader.join(
                replay.channel,
                standing -> onLoop(replay.deferral, replay.client, () -> {
                    if (standing == null) {
                        fail(replay);
                    } else {
                        add(replay);
                    }
                }));
    }

    private void add(ChannelReplay replay) {
        Queue<ChannelReplay> queue = replay.client.replays();
        leaveSuperseded(queue);
        queue.add(replay);
        if (queue.size() == 1) {
            next(queue);
        }
    }

    /** Otherwise requests for the same channel would fill the queue. The first replay is under way. */
    private static void leaveSuperseded(Queue<ChannelReplay> queue) {
        Set<ChannelReplay> superseded = queue.stream()
                .skip(1)
                .filter(replay -> !replay.deferral.lasts())
                .collect(Collectors.toCollection(LinkedHashSet::new));
        queue.removeAll(superseded);
        superseded.forEach(ReplaySender::leave);
    }

    /** Continues with the first replay, which stays in the queue until its slice is sent. */
    private void next(Queue<ChannelReplay> queue) {
        for (ChannelReplay first = queue.peek(); first != null; first = queue.peek()) {
            if (first.deferral.lasts()) {
                read(first);
                return;
            }
            leave(first);
            queue.remove();
        }
    }

    private void read(ChannelReplay replay) {
        Client client = replay.client;
        if (client.connection().hasRoom(sliceBytes * 3L / 2 + Resumption.RESERVE)) {
            replays.read(
                    replay.progress,
                    sliceBytes,
                    client.format(),
                    slice -> onLoop(replay.deferral, client, () -> handle(replay, slice)));
        } else {
            later(client, ROOM_MILLIS, () -> next(client.replays()));
        }
    }

    private void handle(ChannelReplay replay, @Nullable Slice slice) {
        Queue<ChannelReplay> queue = replay.client.replays();
        if (slice == null) {
            // Without listeners the channel has no cursor, although Redis answers.
            boolean failed = replay.deferral.lasts();
            fail(replay);
            if (failed) {
                failOverdue(queue, replay);
            }
        } else if (replay.deferral.lasts()) {
            send(replay, slice);
        } else {
            leave(replay);
        }
        queue.remove();
        next(queue);
    }

    private void send(ChannelReplay replay, Slice slice) {
        Client client = replay.client;
        Connection connection = client.connection();
        ReplayBatch batch = new ReplayBatch(client.format());
        slice.payloads().forEach(payload -> batch.add(replay.channel, payload));
        // Some connections send each entry by itself.
        long cost = batch.cost() + (long) batch.count() * Frame.OVERHEAD + Resumption.RESERVE;
        if (batch.count() == 1 && !connection.canHold(cost)) {
            send(replay, slice.lost());
            return;
        }
        boolean fits = connection.hasRoom(cost);
        Next next = fits ? replay.before(slice) : Next.WAIT;
        if (next == Next.WAIT) {
            later(client, ROOM_MILLIS, () -> add(replay));
        }
        if (next != Next.SEND) {
            return;
        }
        if (batch.count() > 0) {
            client.spend(batch.length());
            deliveries.replay(connection, batch);
            meters.replayed(batch.count());
        }
        replay.progress = slice.progress();
        if (slice.complete()) {
            replay.deferral.end(slice.sequence());
        } else if (batch.count() > 0) {
            add(replay);
        } else {
            // The cursor has not reached the client's last entry yet.
            later(client, ROOM_MILLIS, () -> add(replay));
        }
    }

    /** Redis does not answer. */
    private void fail(ChannelReplay replay) {
        if (!replay.deferral.lasts()) {
            leave(replay);
        } else if (replay.isAnswered()) {
            later(replay.client, REDIS_MILLIS, () -> join(replay));
        } else {
            replay.unavailable();
        }
    }

    /** Otherwise each of them would wait for Redis as long, one after the other. */
    private void failOverdue(Queue<ChannelReplay> queue, ChannelReplay first) {
        long now = nanoTime.getAsLong();
        Set<ChannelReplay> overdue = queue.stream()
                .filter(replay -> !replay.equals(first) && !replay.isAnswered() && now - replay.begun >= MAX_WAIT_NANOS)
                .collect(Collectors.toCollection(LinkedHashSet::new));
        queue.removeAll(overdue);
        overdue.forEach(this::fail);
    }

    private static void leave(ChannelReplay replay) {
        if (!replay.isAnswered()) {
            replay.left();
        }
    }

    /**
     * Passes on where the delivery of a channel begins, however long Redis does not answer, unless the client has left the
     * channel by then.
     */
    void await(Client client, Channel channel, Deferral deferral, Consumer<Standing> receiver) {
        reader.join(
                channel,
                standing -> onLoop(deferral, client, () -> {
                    if (standing != null && deferral.lasts()) {
                        receiver.accept(standing);
                    } else if (deferral.lasts()) {
                        later(client, REDIS_MILLIS, () -> await(client, channel, deferral, receiver));
                    }
                }));
    }

    /** Runs a task later, unless the connection has ended by then. */
    void later(Client client, long millis, Runnable task) {
        timer.after(millis, () -> onLoop(client, task));
    }

    /** Runs a task if the client has no first answer after a time, and has not left before. */
    void limit(Client client, long millis, Runnable task) {
        client.await(timer.after(millis, () -> onLoop(client, task)));
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
}
