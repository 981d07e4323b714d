package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.Authorizer;
import dev.sluice.access.Decision;
import dev.sluice.access.RequestToken;
import dev.sluice.guard.RetryAfter;
import dev.sluice.http.EventStreamPath;
import dev.sluice.http.Problem;
import dev.sluice.http.ProblemException;
import dev.sluice.protocol.Dialect;
import dev.sluice.route.Channel;
import dev.sluice.session.ConnectionAdmission.Outcome;
import dev.sluice.span.Span;
import dev.sluice.span.Tracer;
import dev.sluice.wire.EventStreamChannel;
import dev.sluice.wire.EventStreamChannelFactory;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Decides which requests become streams of server-sent events, and creates their sessions. */
@Singleton
final class EventStreamRoute {

    private static final Logger LOG = Logger.getLogger(EventStreamRoute.class);
    private static final String METHODS = "GET, HEAD, OPTIONS";

    /** A comment that makes proxies pass on the head of the response. */
    private static final String FIRST = ":\n\n";

    private final ConnectionAdmission admission;
    private final RequestToken requestToken;
    private final EventStreamQuery queries;
    private final Authorizer authorizer;
    private final EventStreamChannelFactory channels;
    private final SessionRegistry sessions;
    private final Tracer tracer;

    EventStreamRoute(
            ConnectionAdmission admission,
            RequestToken requestToken,
            EventStreamQuery queries,
            Authorizer authorizer,
            EventStreamChannelFactory channels,
            SessionRegistry sessions,
            Tracer tracer) {
        this.admission = admission;
        this.requestToken = requestToken;
        this.queries = queries;
        this.authorizer = authorizer;
        this.channels = channels;
        this.sessions = sessions;
        this.tracer = tracer;
    }

    void register(@Observes Router router) {
        router.route(EventStreamPath.PATH).handler(this::handle);
    }

    private void handle(RoutingContext context) {
        HttpServerRequest request = context.request();
        switch (request.method().name()) {
            case "GET", "HEAD" -> admit(context);
            case "OPTIONS" -> options(request.response());
            default -> {
                request.response().putHeader(HttpHeaders.ALLOW, METHODS);
                answer(request, new Problem(405, "A stream is asked for with GET"));
            }
        }
    }

    private static void options(HttpServerResponse response) {
        response.setStatusCode(204)
                .putHeader(HttpHeaders.ALLOW, METHODS)
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, "GET")
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Cache-Control, Last-Event-ID")
                .putHeader(HttpHeaders.ACCESS_CONTROL_MAX_AGE, "600")
                .end();
    }

    private void admit(RoutingContext context) {
        HttpServerRequest request = context.request();
        EventStreamChannel channel = channels.of(request);
        if (channel == null) {
            answer(request, new Problem(505, "A stream needs HTTP/1.1; a proxy may be set to speak HTTP/1.0"));
            return;
        }
        if (!channel.isOpen()) {
            // A slot taken now would never be released.
            return;
        }
        channel.traced(tracer.start("upgrade", request).set("sluice.protocol", Dialect.EVENTS.tag()));
        String token = requestToken.of(request);
        if (ConnectionAdmission.hasBody(request)) {
            refuse(context, channel, new Problem(400, "A request for a stream has no body"));
        } else if (token == null) {
            refuse(context, channel, 401, requestToken.missing(request));
        } else {
            int refused = admission.begin(request, channel, true);
            if (refused != 0) {
                refuse(context, channel, refused);
                return;
            }
            admission
                    .verify(channel, token)
                    .invoke(outcome -> verified(context, channel, outcome))
                    .subscribe()
                    .with(done -> {}, failure -> fail(context, channel, failure));
        }
    }

    private void verified(RoutingContext context, EventStreamChannel channel, Outcome outcome) {
        if (!channel.isOpen()) {
            channel.span().end("disconnected");
        } else if (outcome instanceof Outcome.Refused refused) {
            refuse(context, channel, refused.status(), refused.detail());
        } else if (outcome instanceof Outcome.Admitted admitted) {
            try {
                authorize(context, channel, admitted.identity(), queries.parse(context.request()));
            } catch (ProblemException e) {
                refuse(context, channel, e.problem());
            }
        }
    }

    private void authorize(
            RoutingContext context,
            EventStreamChannel channel,
            AuthenticatedUser identity,
            EventStreamQuery.Query query) {
        List<Uni<Decision>> decisions = new ArrayList<>();
        for (Channel wanted : query.opening().channels()) {
            decisions.add(decide(identity, wanted, channel.span()));
        }
        if (decisions.isEmpty()) {
            open(context, channel, identity, query);
            return;
        }
        Context loop = Vertx.currentContext();
        Uni.join()
                .all(decisions)
                .andFailFast()
                .emitOn(task -> loop.runOnContext(x -> task.run()))
                .invoke(decided -> decided(context, channel, identity, query, decided))
                .subscribe()
                .with(done -> {}, failure -> fail(context, channel, failure));
    }

    private Uni<Decision> decide(AuthenticatedUser identity, Channel wanted, Span request) {
        Span span = request.child("subscribe").set("sluice.channel", wanted.name());
        Decision known = authorizer.known(identity, wanted);
        if (known != null) {
            known.end(span);
            return Uni.createFrom().item(known);
        }
        return authorizer
                .ask(identity.user(), wanted, span)
                .onItem()
                .invoke(decision -> decision.end(span))
                .onCancellation()
                .invoke(() -> span.end("cancelled"));
    }

    private static void fail(RoutingContext context, EventStreamChannel channel, Throwable failure) {
        channel.span().answered(500);
        channel.refused();
        context.fail(failure);
    }

    private void decided(
            RoutingContext context,
            EventStreamChannel channel,
            AuthenticatedUser identity,
            EventStreamQuery.Query query,
            List<Decision> decisions) {
        int forbidden = decisions.indexOf(Decision.FORBIDDEN);
        if (!channel.isOpen()) {
            channel.span().end("disconnected");
        } else if (forbidden >= 0) {
            Channel named = query.opening().channels().get(forbidden);
            refuse(context, channel, new Problem(403, "You may not listen to " + named + Authorizer.reason(named)));
        } else if (decisions.contains(Decision.UNKNOWN)) {
            refuse(context, channel, 503);
        } else {
            open(context, channel, identity, query);
        }
    }

    private void open(
            RoutingContext context,
            EventStreamChannel channel,
            AuthenticatedUser identity,
            EventStreamQuery.Query query) {
        HttpServerRequest request = context.request();
        HttpServerResponse response = EventStreamPath.begin(request);
        if (request.method().name().equals("HEAD")) {
            channel.span().answered(200);
            channel.refused();
            response.end();
            return;
        }
        Dialect dialect = query.named() ? Dialect.NAMED_EVENTS : Dialect.EVENTS;
        channel.begin(request, FIRST)
                .onComplete(
                        begun -> {
                            channel.span().answered(200);
                            sessions.open(channel, dialect, identity, query.opening(), queries.heard(identity, query));
                        },
                        failure -> {
                            LOG.debug("A stream could not begin", failure);
                            channel.span().end("failed");
                            channel.cut();
                        });
    }

    private static void refuse(RoutingContext context, EventStreamChannel channel, int status) {
        refuse(context, channel, status, null);
    }

    private static void refuse(
            RoutingContext context, EventStreamChannel channel, int status, @Nullable String detail) {
        HttpServerResponse response = context.response();
        Problem problem = new Problem(status, detail == null ? detail(status) : detail);
        if (status == 401) {
            response.putHeader("WWW-Authenticate", "Bearer");
        } else if (status == 429 || status == 503) {
            String seconds = RetryAfter.seconds();
            String later = EventStreamPath.refusal(context, seconds);
            if (later != null) {
                channel.span().answered(status);
                channel.refused();
                EventStreamPath.begin(context.request())
                        .putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE)
                        .end(later)
                        .onComplete(ended -> context.request().connection().close());
                return;
            }
            response.putHeader(HttpHeaders.RETRY_AFTER, seconds);
        }
        refuse(context, channel, problem);
    }

    private static void refuse(RoutingContext context, EventStreamChannel channel, Problem problem) {
        channel.span().answered(problem.status());
        channel.refused();
        answer(context.request(), problem);
    }

    private static String detail(int status) {
        return switch (status) {
            case 403 -> "Pages of this origin may not ask";
            case 429 -> "Too many connections of this user or address";
            default -> "Not now; try again later";
        };
    }

    private static void answer(HttpServerRequest request, Problem problem) {
        request.response()
                .setStatusCode(problem.status())
                .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store")
                .end(problem.json());
    }
}
