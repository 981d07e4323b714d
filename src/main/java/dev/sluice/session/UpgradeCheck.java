package dev.sluice.session;

import dev.sluice.access.Authenticator;
import dev.sluice.access.Origins;
import dev.sluice.access.RequestToken;
import dev.sluice.access.TokenResult;
import dev.sluice.clock.Position;
import dev.sluice.config.SluiceConfig;
import dev.sluice.guard.ConnectionSlots;
import dev.sluice.guard.RetryAfter;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.Refusal;
import dev.sluice.registry.Registry;
import dev.sluice.wire.WebSocketChannel;
import dev.sluice.wire.WebSocketChannelFactory;
import io.quarkus.websockets.next.HttpUpgradeCheck;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Decides which requests may become WebSockets, and remembers the bearer of those that carry a token. */
@Singleton
final class UpgradeCheck implements HttpUpgradeCheck {

    private static final String SUBPROTOCOL = "Sec-WebSocket-Protocol";
    private static final Map<String, List<String>> BEARER = Map.of("WWW-Authenticate", List.of("Bearer"));

    private final Origins origins;
    private final RequestToken requestToken;
    private final Authenticator authenticator;
    private final SessionRegistry sessions;
    private final Registry registry;
    private final ConnectionSlots slots;
    private final WebSocketChannelFactory channels;
    private final Duration authTimeout;
    private final SessionMeters meters;

    UpgradeCheck(
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

    @Override
    public Uni<CheckResult> perform(HttpUpgradeContext context) {
        HttpServerRequest request = context.httpRequest();
        WebSocketChannel channel = channels.of(request);
        if (channel == null) {
            return CheckResult.rejectUpgrade(400);
        }
        if (!channel.isOpen()) {
            // A slot that is taken now would never be given back.
            return Uni.createFrom().nothing();
        }
        if (!channel.begin(request)) {
            return CheckResult.rejectUpgrade(400);
        }
        String token = requestToken.of(request);
        ConnectionSlots.Full full = channel.slot().take(slots.address(request), token != null);
        if (full != null) {
            return CheckResult.rejectUpgrade(full.status(), tryAgain());
        }
        choose(request);
        context.userData().put(Endpoint.CHANNEL, channel);
        // A client that has disconnected meanwhile gets neither an answer nor a WebSocket.
        return check(context, channel, token)
                .onItem()
                .transformToUni(result -> channel.isOpen()
                        ? Uni.createFrom().item(result)
                        : Uni.createFrom().nothing());
    }

    /** Leaves the best of the subprotocols that the client offers: the server would choose the first that it knows. */
    private static void choose(HttpServerRequest request) {
        Set<String> offered = request.headers().getAll(SUBPROTOCOL).stream()
                .flatMap(line -> Stream.of(line.split(",")))
                .map(String::strip)
                .collect(Collectors.toSet());
        if (offered.contains(Dialect.V2.subprotocol())) {
            request.headers().set(SUBPROTOCOL, Dialect.V2.subprotocol());
        }
    }

    private Uni<CheckResult> check(HttpUpgradeContext context, WebSocketChannel channel, @Nullable String token) {
        HttpServerRequest request = context.httpRequest();
        if (sessions.closing()) {
            return CheckResult.rejectUpgrade(503, tryAgain());
        }
        if (!origins.allow(request)) {
            return CheckResult.rejectUpgrade(403);
        }
        if (token == null) {
            return CheckResult.permitUpgrade();
        }
        String since = request.getParam("since");
        if (since != null && Dialect.V2.subprotocol().equals(request.getHeader(SUBPROTOCOL))) {
            try {
                context.userData().put(Endpoint.SINCE, Position.parse(since));
            } catch (IllegalArgumentException e) {
                return CheckResult.rejectUpgrade(400);
            }
        }
        Uni<CheckResult> evicted = Uni.createFrom()
                .emitter(emitter -> channel.slot()
                        .onEviction(() -> emitter.complete(CheckResult.rejectUpgradeSync(503, tryAgain()))));
        return Uni.combine().any().of(verify(context, channel, token), evicted);
    }

    private Uni<CheckResult> verify(HttpUpgradeContext context, WebSocketChannel channel, String token) {
        Context loop = Vertx.currentContext();
        return authenticator
                .verify(token)
                .ifNoItem()
                .after(authTimeout)
                .recoverWithItem(new TokenResult.Unavailable())
                .emitOn(task -> loop.runOnContext(x -> task.run()))
                .map(result -> verified(context, channel, result));
    }

    private CheckResult verified(HttpUpgradeContext context, WebSocketChannel channel, TokenResult result) {
        if (result instanceof TokenResult.Accepted accepted && !sessions.closing()) {
            if (!registry.hasRoomFor(accepted.identity().user())) {
                meters.userLimitReached();
                return CheckResult.rejectUpgradeSync(429, tryAgain());
            }
            channel.slot().decided();
            context.userData().put(Endpoint.IDENTITY, accepted.identity());
            return CheckResult.permitUpgradeSync();
        }
        if (result instanceof TokenResult.Refused refused) {
            meters.authFailed(Refusal.of(refused.reason()));
            return CheckResult.rejectUpgradeSync(401, BEARER);
        }
        if (result instanceof TokenResult.Forbidden) {
            meters.authFailed(Refusal.WEBHOOK);
            return CheckResult.rejectUpgradeSync(401, BEARER);
        }
        if (result instanceof TokenResult.Unavailable) {
            meters.authFailed(Refusal.UNAVAILABLE);
        }
        if (result instanceof TokenResult.Undecided) {
            meters.authFailed(Refusal.UNDECIDED);
        }
        return CheckResult.rejectUpgradeSync(503, tryAgain());
    }

    private static Map<String, List<String>> tryAgain() {
        return Map.of("Retry-After", List.of(RetryAfter.seconds()));
    }
}
