package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.Authenticator;
import dev.sluice.access.TokenResult;
import dev.sluice.config.SluiceConfig;
import dev.sluice.feed.Feed;
import dev.sluice.feed.Gap;
import dev.sluice.linger.SubscriptionRestorer;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Refusal;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.registry.Registry;
import dev.sluice.wire.EventLoops;
import dev.sluice.wire.FrameWriterFactory;
import dev.sluice.wire.Inbound;
import dev.sluice.wire.WebSocketChannel;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.websockets.next.WebSocketConnection;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Event;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The open WebSockets of this pod, and the services they use. */
@Singleton
final class SessionRegistry implements SessionHost {

    private final Map<Loop, Set<Session>> open = new ConcurrentHashMap<>();
    private final Vertx vertx;
    private final Feed feed;
    private final Authenticator authenticator;
    private final Registry registry;
    private final CommandHandler commands;
    private final SubscriptionRestorer restorer;
    private final OutboxFactory outboxes;
    private final EventLoops loops;
    private final FrameWriterFactory wires;
    private final SessionMeters meters;
    private final Event<Disconnected> disconnected;
    private final Duration authTimeout;
    private volatile boolean closing;

    SessionRegistry(
            Vertx vertx,
            Feed feed,
            Authenticator authenticator,
            Registry registry,
            CommandHandler commands,
            SubscriptionRestorer restorer,
            OutboxFactory outboxes,
            EventLoops loops,
            FrameWriterFactory wires,
            SessionMeters meters,
            Event<Disconnected> disconnected,
            SluiceConfig config,
            MeterRegistry metrics) {
        this.vertx = vertx;
        this.feed = feed;
        this.authenticator = authenticator;
        this.registry = registry;
        this.commands = commands;
        this.restorer = restorer;
        this.outboxes = outboxes;
        this.loops = loops;
        this.wires = wires;
        this.meters = meters;
        this.disconnected = disconnected;
        this.authTimeout = config.auth().timeout();
        Gauge.builder("sluice.connections", this, x -> Math.max(0, count() - registry.connections()))
                .description("WebSocket connections to this pod")
                .tag("state", "unauthenticated")
                .register(metrics);
    }

    /** A session that has not started. To be called on the socket's event loop. */
    Session open(WebSocketConnection socket, WebSocketChannel channel) {
        Loop loop = loops.current();
        Session session = new Session(this, wires.open(socket, channel, loop), outboxes, loop);
        on(loop).add(session);
        Inbound inbound = channel.inbound();
        session.whenAdmitted(() -> {
            channel.slot().decided();
            inbound.authenticated();
        });
        session.holds(channel.slot());
        session.hears(inbound);
        return session;
    }

    /** Starts it, of the bearer given where the upgrade has shown one. To be called on its event loop. */
    void start(Session session, WebSocketChannel channel, @Nullable AuthenticatedUser identity) {
        session.opened(identity);
        channel.inbound().watch(session);
        if (closing) {
            session.disconnect(Disconnect.GOING_AWAY);
        }
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

    /** The socket is closed; tells how it ended, where nobody has been told before. To be called on its event loop. */
    Session.@Nullable Ending end(Session session, Disconnect reason) {
        return on(session.loop()).remove(session) ? session.closed(reason) : null;
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

    private long count() {
        return open.values().stream().mapToLong(Set::size).sum();
    }

    @Override
    public Runnable startAuthTimer(Session session) {
        long id = vertx.setTimer(authTimeout.toMillis(), fired -> session.run(session::authTimedOut));
        return () -> vertx.cancelTimer(id);
    }

    @Override
    public void verify(String token, Consumer<TokenResult> result) {
        authenticator.verify(token).subscribe().with(result, failure -> result.accept(new TokenResult.Unavailable()));
    }

    @Override
    public boolean admit(Connection connection) {
        boolean added = registry.add(connection);
        if (added) {
            restorer.connected(connection);
        } else {
            meters.userLimitReached();
        }
        return added;
    }

    @Override
    public @Nullable Gap gap() {
        return feed.gap();
    }

    @Override
    public void disconnected(Disconnected event) {
        disconnected.fire(event);
    }

    @Override
    public void execute(Conversation conversation, ClientMessage message) {
        commands.execute(conversation, message);
    }

    @Override
    public void renew(Conversation conversation, AuthenticatedUser identity) {
        commands.renew(conversation, identity);
    }

    @Override
    public void authFailed(Refusal reason) {
        meters.authFailed(reason);
    }
}
