package dev.sluice.outbox;

import dev.sluice.config.OutboxConfig;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import dev.sluice.route.PublicationSource;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.MemorySize;
import java.math.BigInteger;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Makes default routes and outboxes. */
public final class TestOutboxFactory {

    public static final Route UPLOAD =
            new Route("upload", Audience.SUBSCRIBERS, Access.OPEN, Overflow.LATEST, Retain.LAST, true);
    public static final Route USER = new Route("user", Audience.USER, null, Overflow.CLOSE, Retain.NONE, true);
    public static final Route OWNED =
            new Route("owned", Audience.SUBSCRIBERS, Access.OWNER, Overflow.CLOSE, Retain.NONE, true);
    public static final Route TEAM =
            new Route("team", Audience.SUBSCRIBERS, Access.CLAIM, Overflow.CLOSE, Retain.NONE, true);
    /** A route without history. */
    public static final Route PLAIN =
            new Route("plain", Audience.SUBSCRIBERS, Access.OPEN, Overflow.CLOSE, Retain.NONE, false);
    /** A route that is read from streams. */
    public static final Route LOG = new Route(
            "log",
            Audience.SUBSCRIBERS,
            Access.OPEN,
            Overflow.CLOSE,
            Retain.NONE,
            false,
            PublicationSource.STREAM,
            false);

    public static final Routes ROUTES = new Routes(List.of(UPLOAD, USER, OWNED, TEAM, PLAIN, LOG));

    /** Routes whose users' own channels are streams. */
    public static final Routes OWN_STREAMS = new Routes(List.of(LOG, ownStream("inbox"), ownStream("mail")));

    /** These, and one that is heard by {@code PUBLISH}. */
    public static final Routes STREAMS_AND_UPLOADS =
            new Routes(List.of(LOG, ownStream("inbox"), ownStream("mail"), UPLOAD));

    public static final Duration MAX_FLUSH = Duration.ofMinutes(30);

    private record Config(
            MemorySize maxBytes, Optional<MemorySize> maxTotalBytes, Duration maxStall, Duration maxFlush, Path wire)
            implements OutboxConfig {}

    private TestOutboxFactory() {}

    private static Route ownStream(String prefix) {
        return new Route(
                prefix, Audience.USER, null, Overflow.CLOSE, Retain.NONE, false, PublicationSource.STREAM, false);
    }

    public static OutboxFactory standard() {
        return with(1024 * 1024, Duration.ofSeconds(30), new SimpleMeterRegistry());
    }

    public static OutboxFactory with(int maxBytes, Duration maxStall, MeterRegistry metrics) {
        return with(maxBytes, Long.MAX_VALUE, maxStall, metrics);
    }

    /** Returns a factory for one event loop with this total. */
    public static OutboxFactory with(int maxBytes, long maxTotalBytes, Duration maxStall, MeterRegistry metrics) {
        return new OutboxFactory(
                new Config(
                        new MemorySize(BigInteger.valueOf(maxBytes)),
                        Optional.of(new MemorySize(BigInteger.valueOf(maxTotalBytes))),
                        maxStall,
                        maxStall.compareTo(MAX_FLUSH) > 0 ? maxStall : MAX_FLUSH,
                        OutboxConfig.Path.DIRECT),
                List.of("the loop"),
                new OutboxMeters(ROUTES, metrics));
    }

    /** Returns a channel of one of the routes. */
    public static Channel channel(String name) {
        return Objects.requireNonNull(ROUTES.resolve(name));
    }
}
