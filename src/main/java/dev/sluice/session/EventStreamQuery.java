package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.clock.Since;
import dev.sluice.http.Problem;
import dev.sluice.http.ProblemException;
import dev.sluice.log.LimitMeter;
import dev.sluice.registry.Registry;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.http.HttpServerRequest;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Parses requests for streams of events. */
@Singleton
final class EventStreamQuery {

    private static final int MAX_CHANNELS = 256;
    private static final int MAX_QUOTED = 300;

    /**
     * The parameters of a request.
     *
     * @param named whether publications have their channel as event type
     */
    record Query(Opening opening, boolean named) {}

    private final Routes routes;
    private final Registry registry;
    private final LimitMeter tooManySubscriptions;
    private final LimitMeter idTooLong;

    EventStreamQuery(Routes routes, Registry registry, MeterRegistry metrics) {
        this.routes = routes;
        this.registry = registry;
        this.tooManySubscriptions = new LimitMeter("subscriptions-per-user", metrics);
        this.idTooLong = new LimitMeter("channel-id-length", metrics);
    }

    /** Parses the query and the header {@code Last-Event-ID}; throws {@link ProblemException}. */
    Query parse(HttpServerRequest request) {
        Since since = since(request);
        boolean own = flag(request, "user", true);
        boolean named = flag(request, "named", false);
        List<String> names = request.params().getAll("channel");
        if (names.isEmpty() && !own) {
            throw ProblemException.badRequest("Without the user's channels, at least one channel is needed");
        }
        if (names.size() > MAX_CHANNELS) {
            throw ProblemException.badRequest("A request may have " + MAX_CHANNELS + " channels");
        }
        Set<Channel> channels = new LinkedHashSet<>();
        names.forEach(name -> channels.add(channel(name)));
        if (channels.size() > registry.maxSubscriptions()) {
            tooManySubscriptions.exceeded();
            throw new ProblemException(
                    new Problem(429, "A client may listen to " + registry.maxSubscriptions() + " channels"));
        }
        return new Query(new Opening(own, List.copyOf(channels), since), named);
    }

    /** Returns all channels that the client is going to hear. */
    List<Channel> heard(AuthenticatedUser identity, Query query) {
        List<Channel> heard = new ArrayList<>(query.opening().own() ? routes.ofUser(identity.user()) : List.of());
        heard.addAll(query.opening().channels());
        return heard;
    }

    private Channel channel(String name) {
        Channel channel = routes.resolve(name);
        if (channel == null) {
            if (routes.isTooLong(name)) {
                idTooLong.exceeded();
            }
            throw ProblemException.badRequest(
                    Routes.NO_CHANNEL + ": " + name.substring(0, Math.min(MAX_QUOTED, name.length())));
        }
        if (channel.route().audience() != Audience.SUBSCRIBERS) {
            throw ProblemException.badRequest("This channel can't be subscribed to: " + name);
        }
        return channel;
    }

    /** The header is newer: browsers send it with the URL of their first request. */
    private static @Nullable Since since(HttpServerRequest request) {
        String last = request.getHeader("Last-Event-ID");
        String since = last == null || last.isEmpty() ? request.getParam("since") : last;
        try {
            return since == null ? null : Since.parse(since);
        } catch (IllegalArgumentException e) {
            throw ProblemException.badRequest("Last-Event-ID or since is not a position that Sluice has sent");
        }
    }

    private static boolean flag(HttpServerRequest request, String name, boolean byDefault) {
        String value = request.getParam(name);
        if (value == null) {
            return byDefault;
        }
        if (!value.equals("true") && !value.equals("false")) {
            throw ProblemException.badRequest("'" + name + "' must be true or false");
        }
        return value.equals("true");
    }
}
