package dev.sluice.session;

import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.history.Recounted;
import dev.sluice.outbox.Loop;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Connection;
import dev.sluice.registry.LoopListeners;
import dev.sluice.registry.LoopListeners.Suspension;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * Makes clients that keep a position for each channel subscribe again to channels whose positions end or begin, spread over a
 * period, as there may be very many.
 */
@Startup
@Singleton
final class RecountNotifier {

    private final Registry registry;
    private final DeliveryDispatcher deliveries;
    private final ChannelResumption resumption;
    private final Stagger stagger;
    private final Duration period;
    private final ToIntFunction<Connection> share;

    @Inject
    RecountNotifier(
            Registry registry,
            DeliveryDispatcher deliveries,
            ChannelResumption resumption,
            Stagger stagger,
            SluiceConfig config) {
        this(registry, deliveries, resumption, stagger, config.gap().spread(), GapNotifier::share);
    }

    RecountNotifier(
            Registry registry,
            DeliveryDispatcher deliveries,
            ChannelResumption resumption,
            Stagger stagger,
            Duration period,
            ToIntFunction<Connection> share) {
        this.registry = registry;
        this.deliveries = deliveries;
        this.resumption = resumption;
        this.stagger = stagger;
        this.period = period;
        this.share = share;
    }

    void onRecounted(@Observes Recounted event) {
        Map<Loop, List<LoopListeners>> loops = new LinkedHashMap<>();
        for (Channel channel : event.channels()) {
            ChannelListeners listeners = registry.listeners(channel);
            if (listeners != null) {
                listeners.forEachLoop(some -> loops.computeIfAbsent(some.loop(), missing -> new ArrayList<>())
                        .add(some));
            }
        }
        loops.forEach((loop, some) -> {
            loop.execute(() -> restart(loop, some));
            // A task that delivers may already be ahead of that one.
            deliveries.barrier(loop);
        });
    }

    private void restart(Loop loop, List<LoopListeners> all) {
        List<Suspension> suspended = new ArrayList<>();
        // At once, because positions of later publications have nothing to do with those that the clients know. A
        // client that waits for an answer learns from it.
        all.forEach(listeners ->
                suspended.addAll(listeners.suspendAnswered(connection -> ChannelStreams.dialect(connection) != null)));
        stagger.over(period, loop, suspended, one -> share.applyAsInt(one.connection()), this::restart);
    }

    private void restart(Suspension suspension) {
        ChannelDialect dialect = ChannelStreams.dialect(suspension.connection());
        if (suspension.lasts() && dialect != null) {
            resumption.restart(suspension.connection(), dialect, suspension.channel());
        }
    }
}
