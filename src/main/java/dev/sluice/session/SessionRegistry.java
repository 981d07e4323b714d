package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.clock.Position;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.log.LogSanitizer;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Registry;
import dev.sluice.wire.EventLoops;
import dev.sluice.wire.FrameWriterFactory;
import dev.sluice.wire.WebSocketChannel;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.websockets.next.WebSocketConnection;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** The open WebSockets of this pod. */
@Singleton
final class SessionRegistry {

    private static final Logger LOG = Logger.getLogger(SessionRegistry.class);

    private final Map<Loop, Set<Session>> open = new ConcurrentHashMap<>();
    private final Map<Dialect, LongAdder> counts = new ConcurrentHashMap<>();
    private final Authentication authentication;
    private final CommandHandler commands;
    private final OutboxFactory outboxes;
    private final EventLoops loops;
    private final FrameWriterFactory wires;
    private final DeliveryDispatcher deliveries;
    private final SessionMeters meters;
    private volatile boolean closing;

    SessionRegistry(
            Authentication authentication,
            CommandHandler commands,
            OutboxFactory outboxes,
            EventLoops loops,
            FrameWriterFactory wires,
            DeliveryDispatcher deliveries,
            SessionMeters meters,
            Registry registry,
            MeterRegistry metrics) {
        this.authentication = authentication;
        this.commands = commands;
        this.outboxes = outboxes;
        this.loops = loops;
        this.wires = wires;
        this.deliveries = deliveries;
        this.meters = meters;
        for (Dialect dialect : Dialect.ALL) {
            String protocol = dialect.tag();
            LongAdder all = count(dialect);
            gauge("authenticated", protocol, () -> registry.countSpeaking(protocol), metrics);
            gauge(
                    "unauthenticated",
                    protocol,
                    () -> Math.max(0, all.sum() - registry.countSpeaking(protocol)),
                    metrics);
        }
    }

    private static void gauge(String state, String protocol, Supplier<Number> count, MeterRegistry metrics) {
        Gauge.builder("sluice.connections", count)
                .description("Connections of clients to this pod")
                .tag("state", state)
                .tag("protocol", protocol)
                .register(metrics);
    }

    /** A session that has not started. To be called on the socket's event loop. */
    Session open(WebSocketConnection socket, WebSocketChannel channel) {
        Loop loop = loops.current();
        Dialect dialect = Dialect.of(socket.subprotocol());
        Session session = new Session(
                authentication,
                commands,
                wires.open(socket, channel, loop, dialect),
                outboxes,
                loop,
                dialect,
                () -> deliveries.position(loop));
        on(loop).add(session);
        count(dialect).increment();
        session.belongsTo(this, socket);
        session.hears(channel);
        // Its close event may never come where the connection was closed before it was a WebSocket. It is asked for
        // before
        // anything is answered, which takes memory that may not be there.
        channel.opened(session);
        return session;
    }

    /** Starts it, with what the upgrade request has shown. To be called on its event loop. */
    void start(
            Session session, WebSocketChannel channel, @Nullable AuthenticatedUser identity, @Nullable Position since) {
        session.opened(identity, since);
        channel.inbound().watch(session);
        if (closing) {
            session.disconnect(Disconnect.GOING_AWAY);
        }
    }

    private LongAdder count(Dialect dialect) {
        return counts.computeIfAbsent(dialect, x -> new LongAdder());
    }

    /** From now on sessions are closed as soon as they start, and upgrades are to be refused. */
    void refuseNew() {
        closing = true;
    }

    boolean closing() {
        return closing;
    }

    /** Something about the socket makes it unusable. To be called on its event loop. */
    void failed(Session session, Disconnect reason) {
        if (reason == Disconnect.FRAME_TOO_LARGE) {
            meters.largeFrame();
        }
        session.disconnect(reason);
    }

    /** The socket is closed, for that reason where none was known before. Idempotent. To be called on its event loop. */
    void end(Session session, Disconnect reason) {
        if (!on(session.loop()).remove(session)) {
            return;
        }
        count(session.dialect()).decrement();
        Session.Ending ending = session.closed(reason);
        WebSocketConnection socket = session.socket();
        if (socket != null && LOG.isDebugEnabled()) {
            LOG.debugf(
                    "%s has ended after %s: %s; user %s, subprotocol %s",
                    socket.id(),
                    ending.lasted(),
                    ending.why(),
                    LogSanitizer.text(ending.user()),
                    LogSanitizer.text(socket.subprotocol()));
        }
    }

    /** Those that are open; changes meanwhile may or may not be seen. */
    List<Session> open() {
        return open.values().stream().flatMap(Set::stream).toList();
    }

    /** The same by event loop; to be walked on that loop. */
    void forEachLoop(BiConsumer<Loop, Set<Session>> action) {
        open.forEach(action);
    }

    /** The sessions of a loop; to be walked on it. */
    Set<Session> on(Loop loop) {
        return open.computeIfAbsent(loop, x -> ConcurrentHashMap.newKeySet());
    }
}
