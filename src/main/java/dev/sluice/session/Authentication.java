package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.Authenticator;
import dev.sluice.access.TokenResult;
import dev.sluice.config.SluiceConfig;
import dev.sluice.config.SluiceConfig.Auth.OnExpiry;
import dev.sluice.feed.Feed;
import dev.sluice.feed.Gap;
import dev.sluice.linger.SubscriptionRestorer;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.ClientMessage.Auth;
import dev.sluice.protocol.ClientMessage.Connect;
import dev.sluice.protocol.ClientMessage.NotAnObject;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.ErrorCode;
import dev.sluice.protocol.Refusal;
import dev.sluice.protocol.Start;
import dev.sluice.protocol.Welcome;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import dev.sluice.span.Span;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Event;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Authenticates clients: by the first message, which has a time limit, by the upgrade request, and by later messages.
 * The session has the state; every method is to be called on its event loop.
 */
@Singleton
final class Authentication {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final String NOT_NOW = "tokens can't be verified now";

    /** Runs a task on any thread after the timeout of one step. */
    @FunctionalInterface
    interface Timeout {
        /** Starts the timer; returns its canceller. */
        Runnable start(Runnable task);
    }

    /** Verifies a token; the result may come on any thread. Never fails. */
    @FunctionalInterface
    interface Verifier {
        void verify(String token, Span span, Consumer<TokenResult> result);
    }

    /** Adds a connection; returns false if its user has the maximum number. */
    @FunctionalInterface
    interface Admission {
        boolean admit(Connection connection);
    }

    private final Timeout timeout;
    private final Verifier verifier;
    private final Admission admission;
    private final Supplier<@Nullable Gap> gap;
    private final Consumer<Disconnected> disconnected;
    private final Consumer<Refusal> failures;
    private final Requests requests;
    private final Duration heartbeat;
    private final boolean closesExpired;
    private final FeedGate gate;
    private final Function<String, List<Channel>> ownChannels;

    @Inject
    Authentication(
            Vertx vertx,
            Authenticator authenticator,
            Registry registry,
            SubscriptionRestorer restorer,
            Feed feed,
            FeedGate gate,
            Routes routes,
            CommandHandler commands,
            SessionMeters meters,
            Event<Disconnected> disconnected,
            SluiceConfig config) {
        this(
                task -> {
                    long id = vertx.setTimer(config.auth().timeout().toMillis(), fired -> task.run());
                    return () -> vertx.cancelTimer(id);
                },
                (token, span, result) -> authenticator
                        .verify(token, span)
                        .subscribe()
                        .with(result, failure -> result.accept(new TokenResult.Unavailable())),
                connection -> {
                    boolean added = registry.add(connection);
                    if (added) {
                        restorer.connected(connection);
                    } else {
                        meters.userLimitReached();
                    }
                    return added;
                },
                feed::gap,
                disconnected::fire,
                meters::authFailed,
                commands,
                config.heartbeat().interval(),
                config.auth().onExpiry() == OnExpiry.CLOSE,
                gate,
                routes::ofUser);
    }

    Authentication(
            Timeout timeout,
            Verifier verifier,
            Admission admission,
            Supplier<@Nullable Gap> gap,
            Consumer<Disconnected> disconnected,
            Consumer<Refusal> failures,
            Requests requests,
            Duration heartbeat,
            boolean closesExpired,
            FeedGate gate,
            Function<String, List<Channel>> ownChannels) {
        this.timeout = timeout;
        this.verifier = verifier;
        this.admission = admission;
        this.gap = gap;
        this.disconnected = disconnected;
        this.failures = failures;
        this.requests = requests;
        this.heartbeat = heartbeat;
        this.closesExpired = closesExpired;
        this.gate = gate;
        this.ownChannels = ownChannels;
    }

    /** Waits for the auth message. */
    void await(Session session) {
        session.handshake().await(startTimer(session));
    }

    /** Handles a message of an unauthenticated client. */
    void received(Session session, ClientMessage message) {
        if (message instanceof Auth auth) {
            verify(
                    session,
                    auth.token(),
                    auth.id(),
                    identity -> admit(session, identity, Opening.own(auth.since()), auth.id()));
        } else if (message instanceof Connect connect) {
            AuthenticatedUser shown = session.handshake().shown();
            if (connect.token() != null) {
                verify(session, connect.token(), connect.id(), identity -> admit(session, identity, connect));
            } else if (shown != null) {
                admit(session, shown, connect);
            } else {
                refuse(session, Refusal.TOKEN, "a token is needed", connect.id());
            }
        } else if (message instanceof NotAnObject) {
            refuse(session, Refusal.NOT_JSON, "the first message must be a JSON object");
        } else {
            refuse(session, Refusal.NOT_AUTH, "the first message must be an auth message with a token");
        }
    }

    /** Closes the session of a refused client. */
    void refuse(Session session, Refusal refusal, String message) {
        refuse(session, refusal, message, null);
    }

    private void refuse(Session session, Refusal refusal, String message, @Nullable JsonNode id) {
        failures.accept(refusal);
        Frame error = session.dialect().authError(refusal, message, id);
        if (error != null) {
            session.send(error);
        }
        session.close(session.dialect().closeFor(refusal, message));
    }

    /**
     * Makes the session a connection.
     *
     * @param id that of the client's auth message
     */
    void admit(Session session, AuthenticatedUser identity, Opening opening, @Nullable JsonNode id) {
        whenHeard(session, identity, opening, () -> begin(session, identity, opening, id));
    }

    /** Runs a task once the feed hears the client's first channels, unless the session has ended. */
    private void whenHeard(Session session, AuthenticatedUser identity, Opening opening, Runnable task) {
        if (gate.isOpen()) {
            task.run();
            return;
        }
        List<Channel> first = new ArrayList<>(opening.channels());
        if (opening.own()) {
            first.addAll(ownChannels.apply(identity.user()));
        }
        startVerifying(session);
        gate.join(
                first,
                session.dialect(),
                release -> session.run(() -> {
                    try {
                        if (session.isVerifying() && release != null) {
                            task.run();
                        } else if (session.isVerifying()) {
                            session.close(session.dialect().closeUntilLater("this pod has too many channels"));
                        }
                    } finally {
                        if (release != null) {
                            release.run();
                        }
                    }
                }));
    }

    private void begin(Session session, AuthenticatedUser identity, Opening opening, @Nullable JsonNode id) {
        AuthenticatedClient client = admitted(session, identity, opening.own());
        if (client != null) {
            requests.begin(client, opening, start -> {
                session.send(session.dialect()
                        .authSuccess(welcome(client, client.expires(), opening.channels(), start, Map.of()), id));
                welcomed(session);
            });
        }
    }

    /** Ends the handshake; returns {@code null} if the user has the maximum number of connections. */
    private @Nullable AuthenticatedClient admitted(Session session, AuthenticatedUser identity, boolean hearsUser) {
        AuthenticatedClient client = session.newClient(identity, hearsUser, disconnected);
        if (!admission.admit(client.connection())) {
            session.close(session.dialect().closeUntilLater("too many connections of this user"));
            return null;
        }
        // Nothing may fail here: a connection in the registry must end with its session.
        session.admitted(client);
        return client;
    }

    private void admit(Session session, AuthenticatedUser identity, Connect connect) {
        whenHeard(session, identity, Opening.own(null), () -> begin(session, identity, connect));
    }

    private void begin(Session session, AuthenticatedUser identity, Connect connect) {
        AuthenticatedClient client = admitted(session, identity, true);
        if (client != null) {
            requests.connect(
                    client,
                    connect,
                    starts -> session.dialect()
                            .authSuccess(
                                    welcome(client, client.expires(), List.of(), Start.UNKNOWN, starts), connect.id()),
                    () -> welcomed(session));
        }
    }

    private Welcome welcome(
            Client client, long expires, List<Channel> others, Start start, Map<Channel, Start> starts) {
        List<Channel> channels = new ArrayList<>(requests.own(client));
        channels.addAll(others);
        return new Welcome(
                client.connection().id(),
                client.connection().user(),
                closesExpired ? expires : Long.MAX_VALUE,
                heartbeatSeconds(client.dialect()),
                channels,
                start,
                starts);
    }

    private int heartbeatSeconds(Dialect dialect) {
        long nanos = Math.min(heartbeat.toNanos(), dialect.maxHeartbeatNanos());
        return (int) Math.max(1, (nanos + SECOND - 1) / SECOND);
    }

    private void welcomed(Session session) {
        session.ifOpen(client -> {
            client.answered();
            Gap open = gap.get();
            if (open != null) {
                client.tell(open, client.dialect().gap(open.since(), null), true);
            }
            if (!gate.isOpen()) {
                requests.channels(client).forEach(channel -> gate.tellLoss(client, channel));
            }
        });
        session.proceed();
    }

    /** Handles an auth message of an authenticated client. */
    void refresh(Session session, AuthenticatedClient client, String token, @Nullable JsonNode id) {
        if (!client.beginRefresh()) {
            client.tell(client.dialect()
                    .error(ErrorCode.UNAVAILABLE, "the auth message before this one is not answered yet", id));
            return;
        }
        verifier.verify(token, session.span(), result -> session.run(() -> refreshed(client, result, id)));
    }

    void timedOut(Session session) {
        if (session.isVerifying()) {
            refuse(session, Refusal.UNAVAILABLE, NOT_NOW);
        } else if (session.isUnauthenticated()) {
            refuse(session, Refusal.TIMEOUT, "no auth message in time");
        }
    }

    private void startVerifying(Session session) {
        session.handshake().cancelTimer();
        session.verifying(startTimer(session));
    }

    private Runnable startTimer(Session session) {
        return timeout.start(() -> session.run(() -> timedOut(session)));
    }

    private void verify(Session session, String token, @Nullable JsonNode id, Consumer<AuthenticatedUser> accepted) {
        startVerifying(session);
        verifier.verify(token, session.span(), result -> session.run(() -> verified(session, result, id, accepted)));
    }

    private void verified(
            Session session, TokenResult result, @Nullable JsonNode id, Consumer<AuthenticatedUser> accepted) {
        if (!session.isVerifying()) {
            // The session was closed meanwhile.
            return;
        }
        if (result instanceof TokenResult.Accepted valid) {
            accepted.accept(valid.identity());
        } else if (result instanceof TokenResult.Refused refused) {
            refuse(session, Refusal.of(refused.reason()), refused.message(), id);
        } else if (result instanceof TokenResult.Forbidden) {
            refuse(session, Refusal.WEBHOOK, TokenResult.Forbidden.MESSAGE, id);
        } else {
            boolean undecided = result instanceof TokenResult.Undecided;
            refuse(session, undecided ? Refusal.UNDECIDED : Refusal.UNAVAILABLE, NOT_NOW, id);
        }
    }

    private void refreshed(AuthenticatedClient client, TokenResult result, @Nullable JsonNode id) {
        client.endRefresh();
        String user = client.connection().user();
        if (result instanceof TokenResult.Refused refused) {
            boolean expired = refused.reason() == TokenResult.Reason.EXPIRED;
            if (expired && client.dialect() instanceof ChannelDialect) {
                // The SDKs take an error for final, but connect again, with a new token.
                client.connection().disconnect(Disconnect.TOKEN_EXPIRED);
                return;
            }
            ErrorCode code = expired ? ErrorCode.TOKEN_EXPIRED : ErrorCode.UNAUTHORIZED;
            client.tell(client.dialect().error(code, refused.message(), id));
        } else if (result instanceof TokenResult.Forbidden) {
            client.tell(client.dialect().error(ErrorCode.UNAUTHORIZED, TokenResult.Forbidden.MESSAGE, id));
        } else if (!(result instanceof TokenResult.Accepted accepted)) {
            client.tell(client.dialect().error(ErrorCode.UNAVAILABLE, NOT_NOW, id));
        } else if (!accepted.identity().user().equals(user)) {
            client.tell(client.dialect().error(ErrorCode.UNAUTHORIZED, "token is another user's", id));
        } else {
            AuthenticatedUser renewed = accepted.identity();
            Start start = new Start(null, client.at(), null);
            Welcome welcome = welcome(client, renewed.until(), List.of(), start, Map.of());
            client.tell(client.dialect().renewed(welcome, id));
            requests.renew(client, renewed);
        }
    }
}
