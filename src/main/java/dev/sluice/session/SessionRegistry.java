package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.clock.Position;
import dev.sluice.clock.Since;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.history.History;
import dev.sluice.log.LogSanitizer;
import dev.sluice.log.LogThrottle;
import dev.sluice.outbox.Close;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.wire.ClientChannel;
import dev.sluice.wire.EventLoops;
import dev.sluice.wire.EventStreamChannel;
import dev.sluice.wire.FrameWriterFactory;
import dev.sluice.wire.WebSocketChannel;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.http.ServerWebSocket;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** The open connections of this pod's clients. */
@Singleton
final class SessionRegistry {

    private static final Logger LOG = Logger.getLogger(SessionRegistry.class);

    /** The subprotocol of Centrifugo's SDKs that Sluice does not have; after the refusal they do not reconnect. */
    static final String PROTOBUF = "centrifuge-protobuf";

    private static final int INAPPROPRIATE_PROTOCOL = 3506;

    private final LogThrottle unexpected = new LogThrottle();
    private final Map<Loop, Set<Session>> open = new ConcurrentHashMap<>();
    private final Map<String, LongAdder> counts = new ConcurrentHashMap<>();
    private final Authentication authentication;
    private final CommandHandler commands;
    private final OutboxFactory outboxes;
    private final EventLoops loops;
    private final FrameWriterFactory wires;
    private final Function<Connection, @Nullable Position> delivered;
    private final SessionMeters meters;
    private final CompletableFuture<Void> allClosed = new CompletableFuture<>();
    private volatile boolean closing;

    SessionRegistry(
            Authentication authentication,
            CommandHandler commands,
            OutboxFactory outboxes,
            EventLoops loops,
            FrameWriterFactory wires,
            DeliveryDispatcher deliveries,
            History history,
            SessionMeters meters,
            Registry registry,
            MeterRegistry metrics) {
        this.authentication = authentication;
        this.commands = commands;
        this.outboxes = outboxes;
        this.loops = loops;
        this.wires = wires;
        // One for all sessions.
        this.delivered =
                connection -> history.name(deliveries.position(connection.loop()), () -> registry.channels(connection));
        this.meters = meters;
        Dialect.ALL.stream().map(Dialect::tag).distinct().forEach(protocol -> {
            LongAdder all = count(protocol);
            gauge("authenticated", protocol, () -> registry.countSpeaking(protocol), metrics);
            gauge(
                    "unauthenticated",
                    protocol,
                    () -> Math.max(0, all.sum() - registry.countSpeaking(protocol)),
                    metrics);
        });
    }

    private static void gauge(String state, String protocol, Supplier<Number> count, MeterRegistry metrics) {
        Gauge.builder("sluice.connections", count)
                .description("Connections of clients to this pod")
                .tag("state", state)
                .tag("protocol", protocol)
                .register(metrics);
    }

    /**
     * Opens the session of a WebSocket, with the data of the upgrade request. To be called on the socket's event loop.
     */
    void open(
            ServerWebSocket socket,
            WebSocketChannel channel,
            Dialect dialect,
            @Nullable String subprotocol,
            @Nullable AuthenticatedUser identity,
            @Nullable Since since) {
        try {
            Session session = add(channel, dialect, loop -> wires.open(socket, channel, loop, dialect));
            if (!socket.isClosed()) {
                socket.frameHandler(channel.inbound());
            }
            // The close event may never come if the connection was closed before it was a WebSocket. So this is checked
            // before the first answer, which needs memory that may be missing.
            channel.opened(session);
            if (PROTOBUF.equals(subprotocol)) {
                session.close(new Close(INAPPROPRIATE_PROTOCOL, "only the JSON protocol is available"));
            } else {
                session.opened(identity, Opening.own(since));
            }
            channel.inbound().watch(session);
            endIfClosing(session);
        } catch (Throwable e) {
            // Without a session nothing would close the socket.
            channel.cut();
            throw e;
        }
    }

    /**
     * Opens the session of a stream of events. To be called on its event loop.
     *
     * @param heard all channels that the client hears
     */
    void open(
            EventStreamChannel channel,
            Dialect dialect,
            AuthenticatedUser identity,
            Opening opening,
            List<Channel> heard) {
        try {
            Session session = add(channel, dialect, loop -> wires.open(channel, loop, dialect, heard));
            channel.opened(session);
            session.opened(identity, opening);
            endIfClosing(session);
        } catch (Throwable e) {
            channel.cut();
            throw e;
        }
    }

    private Session add(ClientChannel channel, Dialect dialect, Function<Loop, FrameWriter> writer) {
        Loop loop = loops.current();
        Session session = new Session(authentication, commands, writer.apply(loop), outboxes, loop, dialect, delivered);
        on(loop).add(session);
        count(dialect.tag()).increment();
        session.belongsTo(this);
        session.hears(channel);
        return session;
    }

    private void endIfClosing(Session session) {
        if (closing) {
            session.disconnect(Disconnect.GOING_AWAY);
        }
    }

    private LongAdder count(String protocol) {
        return counts.computeIfAbsent(protocol, x -> new LongAdder());
    }

    /** Closes new sessions at once, and makes upgrades refused. */
    void refuseNew() {
        closing = true;
        endClosing();
    }

    private void endClosing() {
        if (closing && open.values().stream().allMatch(Set::isEmpty)) {
            allClosed.complete(null);
        }
    }

    /** Completes when, after {@link #refuseNew}, no session is open. */
    CompletableFuture<Void> allClosed() {
        return allClosed;
    }

    boolean closing() {
        return closing;
    }

    /**
     * Handles a failure of the socket. To be called on its event loop.
     *
     * @param cause logged if the reason is an internal error
     */
    void failed(Session session, Disconnect reason, Throwable cause) {
        if (reason == Disconnect.FRAME_TOO_LARGE) {
            meters.largeFrame();
        } else if (reason == Disconnect.INTERNAL_ERROR) {
            long count = unexpected.pass();
            if (count > 0) {
                LOG.errorf(
                        cause,
                        "WebSockets that failed unexpectedly: %d; further ones are not logged for a minute",
                        count);
            }
        }
        session.disconnect(reason);
    }

    /**
     * Ends a session whose socket is closed; the reason is used if there was none before. Idempotent. To be called on
     * its event loop.
     */
    void end(Session session, Disconnect reason) {
        if (!on(session.loop()).remove(session)) {
            return;
        }
        count(session.dialect().tag()).decrement();
        Session.Ending ending = session.closed(reason);
        LOG.debugf(
                "A connection has ended after %s: %s; user %s, protocol %s",
                ending.lasted(),
                ending.why(),
                LogSanitizer.text(ending.user()),
                session.dialect().tag());
        endClosing();
    }

    /** Returns the open sessions. Sessions that open or close during the call may be missing or included. */
    List<Session> open() {
        return open.values().stream().flatMap(Set::stream).toList();
    }

    /** Calls the action with the open sessions of each event loop; they are to be iterated on that loop. */
    void forEachLoop(BiConsumer<Loop, Set<Session>> action) {
        open.forEach(action);
    }

    /** Returns the sessions of a loop; to be iterated on it. */
    Set<Session> on(Loop loop) {
        return open.computeIfAbsent(loop, x -> ConcurrentHashMap.newKeySet());
    }
}
