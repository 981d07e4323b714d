package dev.sluice.guard;

import dev.sluice.http.EventStreamPath;
import dev.sluice.http.Problem;
import dev.sluice.http.WebSocketPath;
import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.quarkus.vertx.http.runtime.security.SecurityHandlerPriorities;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Refuses upgrades above the {@link ConnectRate} or without a free slot, before authentication, because a refusal after
 * authentication costs 50 % more CPU time. Responds with 426 to requests for a WebSocket path without an upgrade.
 * Requests for a stream of events count as upgrades. Passes the other requests to the {@link TurnScheduler}.
 */
@Singleton
final class ConnectGate {

    private static final String VERSION = "13";

    private static final Problem NO_UPGRADE = new Problem(
            426,
            "This path serves only WebSockets (RFC 6455, version 13), and the request asks for no upgrade. If the client"
                    + " asked for one, a proxy removed the headers: it must use HTTP/1.1 to Sluice and forward Upgrade and"
                    + " Connection");

    private final ConnectRate rate;
    private final AddressLimit addresses;
    private final ConnectionSlots slots;
    private final TurnSchedulers schedulers;
    private final LimitMeter tooFast;

    ConnectGate(
            ConnectRate rate,
            AddressLimit addresses,
            ConnectionSlots slots,
            TurnSchedulers schedulers,
            MeterRegistry metrics) {
        this.schedulers = schedulers;
        this.rate = rate;
        this.addresses = addresses;
        this.slots = slots;
        this.tooFast = new LimitMeter("connects-per-second", metrics);
    }

    void register(@Observes Filters filters) {
        filters.register(this::pass, SecurityHandlerPriorities.CORS + 1);
    }

    private void pass(RoutingContext context) {
        HttpServerRequest request = context.request();
        if (addresses.refuses(TcpChannel.of(request))) {
            refuse(context, 429);
            return;
        }
        boolean webSocket = WebSocketPath.isServed(context);
        if (webSocket && !isUpgrade(request)) {
            demandUpgrade(context);
            return;
        }
        if (!webSocket && !isStream(context)) {
            passInTurn(context);
            return;
        }
        ConnectionSlots.Full full = slots.full(request);
        if (full != null) {
            refuse(context, full.status());
        } else if (rate.admit()) {
            passInTurn(context);
        } else {
            tooFast.exceeded();
            refuse(context, 503);
        }
    }

    /**
     * Spreads simultaneous requests over several event loop iterations: 1,000 of them in one iteration would delay
     * deliveries and probes by a second. Quarkus has paused the request, so no part of its body is lost.
     */
    private void passInTurn(RoutingContext context) {
        EventLoop loop =
                Objects.requireNonNull(TcpChannel.of(context.request())).eventLoop();
        TurnScheduler turns = schedulers.of(loop);
        if (turns.hasRoom()) {
            turns.spend(TurnScheduler.REQUEST);
            context.next();
        } else {
            Context current = Objects.requireNonNull(Vertx.currentContext());
            turns.add(() -> {
                turns.spend(TurnScheduler.REQUEST);
                current.runOnContext(x -> context.next());
            });
        }
    }

    private static void refuse(RoutingContext context, int status) {
        String seconds = RetryAfter.seconds();
        String stream = EventStreamPath.refusal(context, seconds);
        HttpServerResponse response = stream == null
                ? context.response().setStatusCode(status).putHeader(HttpHeaders.RETRY_AFTER, seconds)
                : EventStreamPath.begin(context.request());
        // Closed to free the memory: a refused client does not need the connection.
        response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE)
                .end(stream == null ? "" : stream)
                .onComplete(ended -> context.request().connection().close());
    }

    private static void demandUpgrade(RoutingContext context) {
        // A client that waits for 100 (Continue) may or may not send its body now: no other request can follow.
        boolean last = "100-continue".equalsIgnoreCase(context.request().getHeader(HttpHeaders.EXPECT));
        context.response()
                .setStatusCode(NO_UPGRADE.status())
                .putHeader(HttpHeaders.UPGRADE, "websocket")
                .putHeader(HttpHeaders.CONNECTION, last ? HttpHeaders.CLOSE : HttpHeaders.UPGRADE)
                .putHeader(HttpHeaderNames.SEC_WEBSOCKET_VERSION, VERSION)
                .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                .end(NO_UPGRADE.json())
                .onComplete(ended -> {
                    if (last) {
                        context.request().connection().close();
                    }
                });
    }

    private static boolean isStream(RoutingContext context) {
        return EventStreamPath.isServed(context)
                && !HttpMethod.OPTIONS.equals(context.request().method());
    }

    private static boolean isUpgrade(HttpServerRequest request) {
        return request.version() == HttpVersion.HTTP_1_1
                && HttpMethod.GET.equals(request.method())
                && request.headers().contains(HttpHeaderNames.SEC_WEBSOCKET_KEY)
                && VERSION.equals(request.getHeader(HttpHeaderNames.SEC_WEBSOCKET_VERSION))
                // Netty accepts no list. Vert.x, after a handshake that Netty has refused, answers no other on the
                // connection.
                && "websocket".equalsIgnoreCase(request.getHeader(HttpHeaders.UPGRADE))
                && lists(request, "Connection", "upgrade");
    }

    private static boolean lists(HttpServerRequest request, String header, String value) {
        return request.headers().getAll(header).stream()
                .flatMap(line -> Stream.of(line.split(",", -1)))
                .anyMatch(part -> part.strip().equalsIgnoreCase(value));
    }
}
