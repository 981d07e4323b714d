package dev.sluice.socket;

import dev.sluice.access.Tokens;
import dev.sluice.access.Verdict;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Pending;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.registry.Registry;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.websockets.next.WebSocketConnection;
import io.smallrye.common.vertx.VertxContext;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The WebSockets that are open on this pod, authenticated or not, and what they need of the rest of the house. */
@Singleton
final class Sessions implements Session.Host {

    private final Set<Session> open = ConcurrentHashMap.newKeySet();
    private final Vertx vertx;
    private final Tokens tokens;
    private final Registry registry;
    private final Commands commands;
    private final Pending pending;
    private final SocketMeters meters;
    private final Event<Disconnected> disconnected;
    private final Duration authTimeout;
    private volatile boolean closing;

    Sessions(
            Vertx vertx,
            Tokens tokens,
            Registry registry,
            Commands commands,
            Pending pending,
            SocketMeters meters,
            Event<Disconnected> disconnected,
            SocketConfig config,
            MeterRegistry metrics) {
        this.vertx = vertx;
        this.tokens = tokens;
        this.registry = registry;
        this.commands = commands;
        this.pending = pending;
        this.meters = meters;
        this.disconnected = disconnected;
        this.authTimeout = config.authTimeout();
        if (authTimeout.toMillis() < 1) {
            throw new ConfigurationException("sluice.auth.timeout must be at least 1 ms, is " + authTimeout);
        }
        Gauge.builder("sluice.connections", this, x -> Math.max(0, open.size() - registry.connections()))
                .description("WebSocket connections to this pod")
                .tag("state", "unauthenticated")
                .register(metrics);
    }

    /** Starts a session, of the user given where the upgrade has shown it. To be called on the socket's event loop. */
    Session start(WebSocketConnection socket, @Nullable String user) {
        // The duplicated context of the callback would be kept alive for as long as the socket.
        Context context = VertxContext.getRootContext(Vertx.currentContext());
        Session session =
                new Session(this, new SocketWire(socket), pending, task -> context.runOnContext(x -> task.run()));
        open.add(session);
        session.opened(user);
        if (closing) {
            session.disconnect(Disconnect.GOING_AWAY);
        }
        return session;
    }

    /** From now on sessions are closed as soon as they start, and upgrades are to be refused. */
    void refuseNew() {
        closing = true;
    }

    boolean closing() {
        return closing;
    }

    /** The socket is closed; idempotent. To be called on its event loop. */
    void end(Session session, Disconnect reason) {
        open.remove(session);
        session.closed(reason);
    }

    /** Those that are open; changes meanwhile may or may not be seen. */
    Set<Session> open() {
        return open;
    }

    void onDisconnected(@Observes Disconnected event) {
        event.connection().close(event.reason());
    }

    @Override
    public Runnable startAuthTimer(Session session) {
        long id = vertx.setTimer(authTimeout.toMillis(), fired -> session.run(session::authTimedOut));
        return () -> vertx.cancelTimer(id);
    }

    @Override
    public void verify(String token, Consumer<Verdict> verdict) {
        tokens.verify(token).subscribe().with(verdict, failure -> verdict.accept(new Verdict.Unavailable()));
    }

    @Override
    public void admit(Connection connection) {
        registry.add(connection);
    }

    @Override
    public void disconnected(Disconnected event) {
        disconnected.fire(event);
    }

    @Override
    public void execute(Connection connection, ClientMessage message, Consumer<Frame> reply) {
        commands.execute(connection, message, reply);
    }

    @Override
    public void authFailed(Refusal reason) {
        meters.authFailed(reason);
    }
}
