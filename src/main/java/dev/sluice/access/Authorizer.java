package dev.sluice.access;

import dev.sluice.bulkhead.Bulkhead;
import dev.sluice.config.SluiceConfig;
import dev.sluice.config.WebhookConfig;
import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import dev.sluice.redis.CommandConnectionFactory;
import dev.sluice.route.Access;
import dev.sluice.route.Channel;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import dev.sluice.span.Span;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.mutiny.Uni;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Decides who may subscribe to a channel, by the access of its route. Thread-safe. */
@Singleton
public final class Authorizer {

    private static final Logger LOG = Logger.getLogger(Authorizer.class);

    private final Routes routes;

    /** The authorizers of the kinds of access that need a question. */
    private final Map<Access, ChannelAuthorizer> authorizers;

    private final MeterRegistry metrics;
    private final RecentRefusals refusals;
    private final LogThrottle unanswered = new LogThrottle();
    private final LogThrottle refused = new LogThrottle();

    @Inject
    Authorizer(
            Routes routes,
            SluiceConfig config,
            CommandConnectionFactory redis,
            BackendClientFactory backends,
            RecentRefusals refusals,
            MeterRegistry metrics) {
        this(routes, authorizers(routes, config, redis, backends), refusals, metrics);
    }

    Authorizer(
            Routes routes, Map<Access, ChannelAuthorizer> authorizers, RecentRefusals refusals, MeterRegistry metrics) {
        this.refusals = refusals;
        this.routes = routes;
        this.authorizers = authorizers;
        this.metrics = metrics;
        // Registered at 0 so that Prometheus rate() sees the first increment.
        for (Access access : authorizers.keySet()) {
            for (Decision decision : Decision.values()) {
                asked(access, decision);
            }
        }
    }

    /** Returns one authorizer for each kind of access in use that needs one. */
    private static Map<Access, ChannelAuthorizer> authorizers(
            Routes routes, SluiceConfig config, CommandConnectionFactory redis, BackendClientFactory backends) {
        Set<@Nullable Access> used = routes.all().stream().map(Route::access).collect(Collectors.toSet());
        Map<Access, ChannelAuthorizer> authorizers = new EnumMap<>(Access.class);
        if (used.contains(Access.OWNER)) {
            authorizers.put(Access.OWNER, owners(config.owner(), config.access().pending(), redis));
        }
        if (used.contains(Access.WEBHOOK)) {
            authorizers.put(
                    Access.WEBHOOK, webhook(config.webhook(), config.access().pending(), backends));
        }
        return authorizers;
    }

    private static ChannelAuthorizer owners(SluiceConfig.Owner config, int pending, CommandConnectionFactory redis) {
        return new OwnerAuthorizer(
                redis.open(config.timeout()),
                new Bulkhead<>("Redis's answer about owners", config.timeout(), config.concurrency(), pending));
    }

    private static ChannelAuthorizer webhook(WebhookConfig config, int pending, BackendClientFactory backends) {
        return new Webhook(
                backends.at(config.url().orElseThrow()),
                new Bulkhead<>("the answer of sluice.webhook.url", config.timeout(), config.concurrency(), pending),
                new WebhookCache<>(config));
    }

    /** Logs open routes, after everything that can fail the start. */
    void start(@Observes @Priority(Interceptor.Priority.LIBRARY_AFTER + 1) StartupEvent event) {
        routes.all().stream()
                .filter(route -> route.access() == Access.OPEN)
                .forEach(route -> LOG.infof(
                        "Every user who knows an id may listen to %1$s:<id> (sluice.routes.%1$s.access=open)",
                        route.prefix()));
    }

    /** The decision if it is known without asking, else {@code null}. */
    public @Nullable Decision known(AuthenticatedUser identity, Channel channel) {
        return known(identity.user(), identity.grants(), channel);
    }

    /**
     * Returns the decision for a user if it is known without asking, else {@code null}.
     *
     * @param grants what the user's token allows, where that counts
     */
    public @Nullable Decision known(String user, Predicate<Channel> grants, Channel channel) {
        Decision known = decide(user, grants, channel);
        if (known == Decision.FORBIDDEN) {
            refuse(user, channel);
        }
        return known;
    }

    private @Nullable Decision decide(String user, Predicate<Channel> grants, Channel channel) {
        return switch (access(channel)) {
            case OPEN -> Decision.ALLOWED;
            case CLAIM -> decision(grants.test(channel));
            case OWNER, WEBHOOK -> {
                Boolean known = authorizer(channel).known(user, channel);
                yield known == null ? null : decision(known);
            }
        };
    }

    /** Asks for a decision that {@link #known} does not have; never fails. The decision may come on any thread. */
    public Uni<Decision> ask(String user, Channel channel) {
        return ask(user, channel, Span.NONE);
    }

    /** The same as a part of this span. */
    public Uni<Decision> ask(String user, Channel channel, Span span) {
        return authorizer(channel)
                .ask(user, channel, span)
                .map(Authorizer::decision)
                .onFailure()
                .recoverWithItem(failure -> unknown(access(channel), failure))
                .invoke(decision -> {
                    asked(access(channel), decision).increment();
                    if (decision == Decision.FORBIDDEN) {
                        refuse(user, channel);
                    }
                });
    }

    /** Returns the end of a sentence which says that a channel is forbidden; empty if the backend knows why. */
    public static String reason(Channel channel) {
        return access(channel) == Access.CLAIM ? ": the channels claim of the token does not allow it" : "";
    }

    /** Logs the prefix alone, because ids may be those of users. */
    private void refuse(String user, Channel channel) {
        refusals.add(user, channel);
        long count = refused.pass();
        if (count > 0) {
            LOG.infof(
                    "Sluice refused subscriptions: %d, the last to %s:<id> with access=%s%s; the next log line follows in a minute",
                    count, channel.route().prefix(), tag(access(channel)), reason(channel));
        }
    }

    private Decision unknown(Access access, Throwable failure) {
        long count = unanswered.pass();
        if (count > 0) {
            LOG.warnf(
                    "Sluice got no decision who may subscribe on routes with access=%s: %s. Clients got unavailable; failures: %d,"
                            + " the next log line follows in a minute",
                    tag(access), RootCause.innermost(failure), count);
        }
        return Decision.UNKNOWN;
    }

    private ChannelAuthorizer authorizer(Channel channel) {
        return Objects.requireNonNull(authorizers.get(access(channel)));
    }

    private static Access access(Channel channel) {
        return Objects.requireNonNull(channel.route().access());
    }

    private static Decision decision(boolean allowed) {
        return allowed ? Decision.ALLOWED : Decision.FORBIDDEN;
    }

    private static String tag(Access access) {
        return access.name().toLowerCase(Locale.ROOT);
    }

    private Counter asked(Access access, Decision decision) {
        return Counter.builder("sluice.access.asked")
                .description("Questions about who may listen, by access and decision")
                .tag("access", tag(access))
                .tag("decision", decision.name().toLowerCase(Locale.ROOT))
                .register(metrics);
    }
}
