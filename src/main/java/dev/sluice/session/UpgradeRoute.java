package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.RequestToken;
import dev.sluice.clock.Since;
import dev.sluice.guard.RetryAfter;
import dev.sluice.http.Problem;
import dev.sluice.http.WebSocketPath;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Dialect;
import dev.sluice.session.ConnectionAdmission.Outcome;
import dev.sluice.span.Span;
import dev.sluice.span.Tracer;
import dev.sluice.wire.WebSocketChannel;
import dev.sluice.wire.WebSocketChannelFactory;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Decides which requests become WebSockets, and creates their sessions. */
@Singleton
final class UpgradeRoute {

    private static final Logger LOG = Logger.getLogger(UpgradeRoute.class);
    private static final String SUBPROTOCOL = "Sec-WebSocket-Protocol";
    private static final String V2 = Objects.requireNonNull(Dialect.V2.subprotocol());
    private static final List<String> SLUICE = List.of(V2, Objects.requireNonNull(Dialect.V1.subprotocol()));
    private static final List<String> CENTRIFUGE =
            List.of(Objects.requireNonNull(Dialect.CENTRIFUGE.subprotocol()), SessionRegistry.PROTOBUF);
    private static final String RETRY_AFTER = "Retry-After";
    private static final String WWW_AUTHENTICATE = "WWW-Authenticate";

    private final ConnectionAdmission admission;
    private final RequestToken requestToken;
    private final SessionRegistry sessions;
    private final WebSocketChannelFactory channels;
    private final Tracer tracer;

    UpgradeRoute(
            ConnectionAdmission admission,
            RequestToken requestToken,
            SessionRegistry sessions,
            WebSocketChannelFactory channels,
            Tracer tracer) {
        this.admission = admission;
        this.requestToken = requestToken;
        this.sessions = sessions;
        this.channels = channels;
        this.tracer = tracer;
    }

    void register(@Observes Router router) {
        WebSocketPath.ALL.forEach(path -> router.route(path).handler(this::handle));
    }

    private void handle(RoutingContext context) {
        HttpServerRequest request = context.request();
        WebSocketChannel channel = channels.install(request);
        if (channel == null) {
            reject(request, 400);
            return;
        }
        if (!channel.isOpen()) {
            // A slot taken now would never be released.
            return;
        }
        Dialect dialect = choose(context);
        if (ConnectionAdmission.hasBody(request) || !channel.begin(request, dialect instanceof ChannelDialect)) {
            reject(request, 400);
            return;
        }
        channel.traced(tracer.start("upgrade", request).set("sluice.protocol", dialect.tag()));
        String token = requestToken.of(request);
        int refused = admission.begin(request, channel, token != null);
        if (refused != 0) {
            reject(request, channel.span(), refused);
        } else {
            upgrade(context, channel, dialect, token);
        }
    }

    /** Returns the dialect, and leaves only its subprotocol of the client's offer. */
    private static Dialect choose(RoutingContext context) {
        HttpServerRequest request = context.request();
        Set<String> offered = request.headers().getAll(SUBPROTOCOL).stream()
                .flatMap(line -> Stream.of(line.split(",")))
                .map(String::strip)
                .collect(Collectors.toSet());
        boolean centrifuge = WebSocketPath.isCentrifuge(context);
        List<String> served = centrifuge ? CENTRIFUGE : SLUICE;
        String chosen = served.stream().filter(offered::contains).findFirst().orElse(null);
        if (chosen == null) {
            request.headers().remove(SUBPROTOCOL);
        } else {
            request.headers().set(SUBPROTOCOL, chosen);
        }
        return centrifuge ? Dialect.CENTRIFUGE : Dialect.of(chosen);
    }

    private void upgrade(RoutingContext context, WebSocketChannel channel, Dialect dialect, @Nullable String token) {
        HttpServerRequest request = context.request();
        if (token == null) {
            open(request, channel, dialect, null, null);
            return;
        }
        Since since;
        try {
            since = since(request);
        } catch (IllegalArgumentException e) {
            reject(request, channel.span(), 400);
            return;
        }
        admission
                .verify(channel, token)
                .subscribe()
                .with(
                        outcome -> {
                            if (!channel.isOpen()) {
                                // A client that has disconnected meanwhile gets neither an answer nor a WebSocket.
                                channel.span().end("disconnected");
                            } else if (outcome instanceof Outcome.Admitted admitted) {
                                open(request, channel, dialect, admitted.identity(), since);
                            } else if (outcome instanceof Outcome.Refused refused) {
                                reject(request, channel.span(), refused);
                            }
                        },
                        failure -> {
                            channel.span().answered(500);
                            context.fail(failure);
                        });
    }

    private static @Nullable Since since(HttpServerRequest request) {
        return V2.equals(request.getHeader(SUBPROTOCOL))
                ? ClientMessage.since(request.getParam("since"), request.getParam("ids"))
                : null;
    }

    private void open(
            HttpServerRequest request,
            WebSocketChannel channel,
            Dialect dialect,
            @Nullable AuthenticatedUser identity,
            @Nullable Since since) {
        String subprotocol = request.getHeader(SUBPROTOCOL);
        if (subprotocol != null) {
            // Vert.x would choose it, too, if it knew all subprotocols; but each connection would keep a copy of them.
            request.response().putHeader(SUBPROTOCOL, subprotocol);
        }
        request.toWebSocket()
                .onComplete(
                        socket -> {
                            channel.span().answered(101);
                            sessions.open(socket, channel, dialect, subprotocol, identity, since);
                        },
                        failure -> {
                            LOG.debug("An upgrade failed", failure);
                            channel.span().end("failed");
                            if (!request.response().ended()) {
                                channel.cut();
                            }
                        });
    }

    private static void reject(HttpServerRequest request, Span span, Outcome.Refused refused) {
        span.answered(refused.status());
        HttpServerResponse response = rejection(request, refused.status());
        if (refused.detail() == null) {
            response.end();
        } else {
            response.putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                    .end(new Problem(refused.status(), refused.detail()).json());
        }
    }

    private static void reject(HttpServerRequest request, Span span, int status) {
        reject(request, span, new Outcome.Refused(status));
    }

    private static void reject(HttpServerRequest request, int status) {
        rejection(request, status).end();
    }

    private static HttpServerResponse rejection(HttpServerRequest request, int status) {
        HttpServerResponse response = request.response().setStatusCode(status);
        switch (status) {
            case 401 -> response.putHeader(WWW_AUTHENTICATE, "Bearer");
            case 429, 503 -> response.putHeader(RETRY_AFTER, RetryAfter.seconds());
            default -> {}
        }
        return response;
    }
}
