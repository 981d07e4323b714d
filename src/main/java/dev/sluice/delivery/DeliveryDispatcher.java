package dev.sluice.delivery;

import dev.sluice.clock.Position;
import dev.sluice.config.SluiceConfig;
import dev.sluice.log.LogThrottle;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Connection;
import dev.sluice.registry.LoopListeners;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.event.Event;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Passes publications to the event loops of their listeners. If a loop falls behind, the source pauses. If it stays
 * behind, its backlog is dropped and reported to its connections.
 */
@Singleton
public final class DeliveryDispatcher {

    private static final Logger LOG = Logger.getLogger(DeliveryDispatcher.class);

    private final Source source;
    private final Registry registry;
    private final Backlog.Bounds bounds;
    private final Duration maxPause;
    private final Consumer<Lagged> onLagged;
    private final IdentityHashMap<Route, RouteMeters> meters = new IdentityHashMap<>();
    private final Map<Loop, Backlog> backlogs = new ConcurrentHashMap<>();
    private final Function<Loop, Backlog> opening = this::backlog;

    // Used by the reading thread.
    private final List<Backlog> touched = new ArrayList<>();
    private long pauses;
    private boolean paused;
    private long sequence;

    /** The position up to which everything has been handed to the event loops; {@code null} without a position. */
    private volatile @Nullable Position head;

    /** Creates a dispatcher without publications. */
    @Inject
    DeliveryDispatcher(
            Source source,
            Registry registry,
            Routes routes,
            SluiceConfig config,
            OutboxFactory outboxes,
            Event<Lagged> lagged,
            MeterRegistry metrics) {
        this(
                source,
                registry,
                routes,
                new Backlog.Bounds(config.feed().pending().maxBytes().asLongValue(), outboxes.maxBatchBytes()),
                config.feed().pending().maxPause(),
                lagged::fire,
                metrics);
    }

    DeliveryDispatcher(
            Source source,
            Registry registry,
            Routes routes,
            Backlog.Bounds bounds,
            Duration maxPause,
            Consumer<Lagged> onLagged,
            MeterRegistry metrics) {
        this.source = source;
        this.registry = registry;
        this.bounds = bounds;
        this.maxPause = maxPause;
        this.onLagged = counted(onLagged, metrics);
        routes.all().forEach(route -> meters.put(route, new RouteMeters(route.prefix(), metrics)));
        Gauge.builder("sluice.feed.pending.bytes", this, DeliveryDispatcher::bytes)
                .description("Memory charged for publications that event loops have not delivered yet")
                .baseUnit("bytes")
                .register(metrics);
    }

    private static Consumer<Lagged> counted(Consumer<Lagged> next, MeterRegistry metrics) {
        Counter gaps = Counter.builder("sluice.feed.gaps")
                .description("Stretches of time in which publications may have been missed")
                .register(metrics);
        LogThrottle throttle = new LogThrottle();
        return lagged -> {
            gaps.increment();
            long count = throttle.pass();
            if (count > 0) {
                LOG.warnf(
                        "An event loop was overloaded, and Sluice dropped what it had to deliver from %s to %s. Its clients get a gap,"
                                + " or the publications from the history; such gaps: %d, the next log line follows in a minute",
                        lagged.since(), lagged.until(), count);
            }
            next.accept(lagged);
        };
    }

    /**
     * Adds a publication to the batch of each event loop that has listeners of its channel; {@link #handOver} hands the
     * batches over. To be called on the source's thread.
     */
    public void deliver(Channel channel, ChannelListeners listeners, Payload payload) {
        RouteMeters route = meters(channel);
        // Not a lambda: only C2 creates those with values cheaply.
        for (LoopListeners ofLoop : listeners.byLoop()) {
            Backlog backlog = backlogs.computeIfAbsent(ofLoop.loop(), opening);
            if (backlog.add(ofLoop, channel, payload, route)) {
                touched.add(backlog);
            }
        }
    }

    /** Returns the sequence of the next publication. To be called on the source's thread. */
    public long nextSequence() {
        return ++sequence;
    }

    /** Returns the sequence of the newest publication. To be called on the source's thread. */
    public long lastSequence() {
        return sequence;
    }

    /** Whether an event loop is so far behind that nothing more should be read. To be called on the source's thread. */
    public boolean paused() {
        return paused;
    }

    /** Hands over publications that have no place in the order that all pods share. To be called on the source's thread. */
    public void handOver() {
        handOver(head);
    }

    /**
     * Hands the batches to the event loops, and pauses the source if one of them is behind. To be called on the
     * source's thread, after each read.
     *
     * @param end up to where all publications have been added; {@code null} where this pod can't name it
     */
    public void handOver(@Nullable Position end) {
        boolean full = false;
        for (Backlog backlog : touched) {
            backlog.handOver(end);
            full |= backlog.full();
        }
        touched.clear();
        // Written after the batches: a loop that reads it and finds nothing to deliver has delivered everything before
        // it.
        head = end;
        if (full && !paused) {
            paused = true;
            long pause = ++pauses;
            source.pause();
            source.execute(() -> giveUp(pause), maxPause);
        }
    }

    /**
     * Delivers what is handed over from now on after the tasks that the loop has now; its position stays until then. To
     * be called on the source's thread.
     */
    public void barrier(Loop loop) {
        backlogs.computeIfAbsent(loop, opening).barrier();
    }

    /**
     * Returns the newest position up to which everything has been passed to the loop's connections; {@code null}
     * without a position, and while the loop drops publications. To be called on the loop.
     */
    public @Nullable Position position(Loop loop) {
        Position handedOver = head;
        Backlog backlog = backlogs.get(loop);
        return backlog == null ? handedOver : backlog.position(handedOver);
    }

    /**
     * Whether a subscribing connection must be sent the newest publication of the channel, because that has neither
     * been delivered to it nor is on its way. To be called on the connection's loop.
     *
     * @param joined whether this request subscribed it, so that nothing can have been delivered to it before
     */
    public boolean needsRetained(Connection connection, Channel channel, Payload newest, boolean joined) {
        return registry.skipToRetained(
                connection, channel, newest.sequence(), joined ? Long.MAX_VALUE : lost(connection.loop()));
    }

    /** Sends a connection the publication that it {@link #needsRetained}. To be called on its loop, directly after that. */
    public void sendRetained(Connection connection, Channel channel, Payload payload) {
        PublicationBatch batch = PublicationBatch.late(channel, payload);
        connection.send(batch);
        meters(channel).delivered(1, batch.payloadBytes());
    }

    /** Sends a connection publications from the history. To be called on the connection's loop. */
    public void replay(Connection connection, ReplayBatch batch) {
        connection.send(batch);
        for (int i = 0; i < batch.count(); i++) {
            replayed(batch.channel(i), batch.get(i));
        }
    }

    /** Counts a publication from the history that was sent to a connection. Thread-safe. */
    public void replayed(Channel channel, Payload payload) {
        meters(channel).replayed(payload);
    }

    /** Returns the bytes of memory that have been read and not delivered. */
    long bytes() {
        return backlogs.values().stream().mapToLong(Backlog::bytes).sum();
    }

    private long lost(Loop loop) {
        Backlog backlog = backlogs.get(loop);
        return backlog == null ? 0 : backlog.lost();
    }

    private Backlog backlog(Loop loop) {
        return new Backlog(loop, bounds, () -> source.execute(this::resumeIfDrained), onLagged);
    }

    private RouteMeters meters(Channel channel) {
        return Objects.requireNonNull(meters.get(channel.route()));
    }

    private void resumeIfDrained() {
        if (paused && backlogs.values().stream().allMatch(Backlog::drained)) {
            resume();
        }
    }

    private void giveUp(long pause) {
        if (paused && pause == pauses) {
            backlogs.values().stream().filter(backlog -> !backlog.drained()).forEach(Backlog::drop);
            resume();
        }
    }

    private void resume() {
        paused = false;
        source.resume();
    }
}
