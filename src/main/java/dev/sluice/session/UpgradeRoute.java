package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.Authenticator;
import dev.sluice.access.Origins;
import dev.sluice.access.RequestToken;
import dev.sluice.access.TokenResult;
import dev.sluice.clock.Position;
import dev.sluice.config.SluiceConfig;
import dev.sluice.guard.ConnectionSlots;
import dev.sluice.guard.RetryAfter;
import dev.sluice.http.WebSocketPath;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.Refusal;
import dev.sluice.registry.Registry;
import dev.sluice.wire.WebSocketChannel;
import dev.sluice.wire.WebSocketChannelFactory;
import io.quarkus.vertx.http.HttpServerOptionsCustomizer;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Decides which requests become WebSockets, and creates their sessions. */
@Singleton
final class UpgradeRoute implements HttpServerOptionsCustomizer {

    private static final Logger LOG = Logger.getLogger(UpgradeRoute.class);
    private static final String SUBPROTOCOL = "Sec-WebSocket-Protocol";
    private static final String RETRY_AFTER = "Retry-After";
    private static final String WWW_AUTHENTICATE = "WWW-Authenticate";

    /** The result for a request. */
    private sealed interface Outcome {

        /** The request becomes a WebSocket; with a user if it carries a valid token. */
        record Upgrade(@Nullable AuthenticatedUser identity) implements Outcome {}

        /** The request gets this status. */
        record Reject(int status) implements Outcome {}
    }

    private final Origins origins;
    private final RequestToken requestToken;
    private final Authenticator authenticator;
    private final SessionRegistry sessions;
    private final Registry registry;
    private final ConnectionSlots slots;
    private final WebSocketChannelFactory channels;
    private final Duration authTimeout;
    private final SessionMeters meters;

    UpgradeRoute(
            SluiceConfig config,
            Origins origins,
            RequestToken requestToken,
            Authenticator authenticator,
            SessionRegistry sessions,
            Registry registry,
            ConnectionSlots slots,
            WebSocketChannelFactory channels,
            SessionMeters meters) {
        this.origins = origins;
        this.authTimeout = config.auth().timeout();
        this.requestToken = requestToken;
        this.authenticator = authenticator;
        this.sessions = sessions;
        this.registry = registry;
        this.slots = slots;
        this.channels = channels;
        this.meters = meters;
    }

    void register(@Observes Router router) {
        WebSocketPath.ALL.forEach(path -> router.route(path).handler(this::handle));
    }

    @Override
    public void customizeHttpServer(HttpServerOptions options) {
        acceptSubprotocols(options);
    }

    @Override
    public void customizeHttpsServer(HttpServerOptions options) {
        acceptSubprotocols(options);
    }

    private static void acceptSubprotocols(HttpServerOptions options) {
        Dialect.ALL.forEach(dialect -> options.addWebSocketSubProtocol(dialect.subprotocol()));
    }

    private void handle(RoutingContext context) {
        HttpServerRequest request = context.request();
        WebSocketChannel channel = channels.of(request);
        if (channel == null) {
            reject(request, 400);
            return;
        }
        if (!channel.isOpen()) {
            // A slot taken now would never be released.
            return;
        }
        // With a body the WebSocket would begin only once that has come, and hold its slot until then.
        if (hasBody(request) || !channel.begin(request)) {
            reject(request, 400);
            return;
        }
        String token = requestToken.of(request);
        ConnectionSlots.Full full = channel.slot().take(slots.address(request), token != null);
        if (full != null) {
            reject(request, full.status());
        } else if (sessions.closing()) {
            reject(request, 503);
        } else if (!origins.allow(request)) {
            reject(request, 403);
        } else {
            choose(request);
            upgrade(context, channel, token);
        }
    }

    private static boolean hasBody(HttpServerRequest request) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        return request.headers().contains(HttpHeaders.TRANSFER_ENCODING) || (length != null && !length.equals("0"));
    }

    /**
     * Leaves only the preferred subprotocol of the client's offer, because the server would choose the first that it
     * knows.
     */
    private static void choose(HttpServerRequest request) {
        Set<String> offered = request.headers().getAll(SUBPROTOCOL).stream()
                .flatMap(line -> Stream.of(line.split(",")))
                .map(String::strip)
                .collect(Collectors.toSet());
        if (offered.contains(Dialect.V2.subprotocol())) {
            request.headers().set(SUBPROTOCOL, Dialect.V2.subprotocol());
        }
    }

    private void upgrade(RoutingContext context, WebSocketChannel channel, @Nullable String token) {
        HttpServerRequest request = context.request();
        if (token == null) {
            open(request, channel, null, null);
            return;
        }
        Position since;
        try {
            since = since(request);
        } catch (IllegalArgumentException e) {
            reject(request, 400);
            return;
        }
        Uni<Outcome> evicted = Uni.createFrom()
                .emitter(emitter -> channel.slot().onEviction(() -> emitter.complete(new Outcome.Reject(503))));
        Uni.combine()
                .any()
                .of(verify(channel, token), evicted)
                .subscribe()
                .with(
                        outcome -> {
                            if (!channel.isOpen()) {
                                // A client that has disconnected meanwhile gets neither an answer nor a WebSocket.
                                return;
                            }
                            if (outcome instanceof Outcome.Upgrade upgrade) {
                                open(request, channel, upgrade.identity(), since);
                            } else if (outcome instanceof Outcome.Reject rejection) {
                                reject(request, rejection.status());
                            }
                        },
                        context::fail);
    }

    private static @Nullable Position since(HttpServerRequest request) {
        String since = request.getParam("since");
        return since != null && Dialect.V2.subprotocol().equals(request.getHeader(SUBPROTOCOL))
                ? Position.parse(since)
                : null;
    }

    private Uni<Outcome> verify(WebSocketChannel channel, String token) {
        Context loop = Vertx.currentContext();
        return authenticator
                .verify(token)
                .ifNoItem()
                .after(authTimeout)
                .recoverWithItem(new TokenResult.Unavailable())
                .emitOn(task -> loop.runOnContext(x -> task.run()))
                .map(result -> verified(channel, result));
    }

    private Outcome verified(WebSocketChannel channel, TokenResult result) {
        if (result instanceof TokenResult.Accepted accepted && !sessions.closing()) {
            if (!registry.hasRoomFor(accepted.identity().user())) {
                meters.userLimitReached();
                return new Outcome.Reject(429);
            }
            channel.slot().decided();
            return new Outcome.Upgrade(accepted.identity());
        }
        if (result instanceof TokenResult.Refused refused) {
            meters.authFailed(Refusal.of(refused.reason()));
            return new Outcome.Reject(401);
        }
        if (result instanceof TokenResult.Forbidden) {
            meters.authFailed(Refusal.WEBHOOK);
            return new Outcome.Reject(401);
        }
        if (result instanceof TokenResult.Unavailable) {
            meters.authFailed(Refusal.UNAVAILABLE);
        }
        if (result instanceof TokenResult.Undecided) {
            meters.authFailed(Refusal.UNDECIDED);
        }
        return new Outcome.Reject(503);
    }

    private void open(
            HttpServerRequest request,
            WebSocketChannel channel,
            @Nullable AuthenticatedUser identity,
            @Nullable Position since) {
        request.toWebSocket().onComplete(socket -> sessions.open(socket, channel, identity, since), failure -> {
            LOG.debug("An upgrade failed", failure);
            if (!request.response().ended()) {
                channel.cut();
            }
        });
    }

    private static void reject(HttpServerRequest request, int status) {
        HttpServerResponse response = request.response().setStatusCode(status);
        switch (status) {
            case 401 -> response.putHeader(WWW_AUTHENTICATE, "Bearer");
            case 429, 503 -> response.putHeader(RETRY_AFTER, RetryAfter.seconds());
            default -> {}
        }
        response.end();
    }
}
