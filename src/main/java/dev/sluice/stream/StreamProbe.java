package dev.sluice.stream;

import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.feed.Feed;
import dev.sluice.feed.Gap;
import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import dev.sluice.redis.CommandConnection;
import dev.sluice.redis.CommandConnectionFactory;
import dev.sluice.route.Routes;
import io.quarkus.runtime.Startup;
import io.smallrye.mutiny.Uni;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Proves that Redis tells of new entries: adds one to a key of this pod, and awaits the notification. Confined to the
 * source's thread, except {@link #reason}.
 */
@Startup
@Singleton
public final class StreamProbe {

    private static final Logger LOG = Logger.getLogger(StreamProbe.class);

    /** The setting of Redis on which notifications depend. */
    private static final String SETTING = "notify-keyspace-events";

    private static final String MISSING = "Redis does not tell of new entries of streams: it needs " + SETTING + " Kt";

    /** How long a missing notification is awaited before it is tried again. */
    private static final Duration RETRY = Duration.ofSeconds(1);

    /** Longer than between two probes, so that the key vanishes with the pod. */
    private static final int INTERVALS = 10;

    private final Feed feed;
    private final DeliveryDispatcher deliveries;
    private final StreamReader reader;
    private final CommandConnection redis;
    private final boolean needed;
    private final boolean configure;
    private final Duration patience;
    private final Duration interval;
    private final LogThrottle logged = new LogThrottle();
    private volatile @Nullable String reason;
    private boolean heard;
    private boolean missing;

    /** The number of the current sequence of probes, of which each connection of the feed has its own. */
    private int sequence;

    StreamProbe(
            Feed feed,
            Routes routes,
            DeliveryDispatcher deliveries,
            StreamReader reader,
            CommandConnectionFactory connections,
            SluiceConfig config) {
        this.feed = feed;
        this.deliveries = deliveries;
        this.reader = reader;
        this.redis = connections.open(config.streams().timeout());
        this.needed = routes.haveStreams();
        this.configure = config.streams().configure();
        this.patience = config.canary().interval().multipliedBy(config.canary().missedBeats());
        this.interval = config.canary().reconnect();
        this.reason = needed ? "it awaits a notification of a stream" : null;
        feed.whenProbed(this::heard);
        feed.whenBeating(reader::beatFollows, reader::beatHeard);
    }

    /** Returns why entries of streams may not be heard of; {@code null} while they are. Thread-safe. */
    public @Nullable String reason() {
        return reason;
    }

    void onGap(@Observes Gap gap) {
        sequence++;
        if (needed && !gap.open()) {
            probe(sequence);
        }
    }

    private void probe(int current) {
        if (current != sequence) {
            return;
        }
        heard = false;
        String key = feed.probeKey();
        long seconds = interval.multipliedBy(INTERVALS).toSeconds() + 1;
        redis.send(
                        key,
                        Request.cmd(Command.XADD)
                                .arg(key)
                                .arg("MAXLEN")
                                .arg(1)
                                .arg("*")
                                .arg("probe")
                                .arg(current))
                .chain(added ->
                        redis.send(key, Request.cmd(Command.EXPIRE).arg(key).arg(seconds)))
                .subscribe()
                .with(
                        done -> feed.execute(() -> check(current), patience),
                        failure -> feed.execute(() -> {
                            fail("Sluice can't add an entry to " + key + ": " + RootCause.innermost(failure));
                            feed.execute(() -> probe(current), RETRY);
                        }));
    }

    private void heard() {
        heard = true;
        if (reason != null) {
            LOG.info("Redis tells this pod of new entries of streams");
            reason = null;
        }
        if (missing) {
            missing = false;
            reader.interrupted(false);
        }
    }

    private void check(int current) {
        if (current != sequence) {
            return;
        }
        if (heard) {
            feed.execute(() -> probe(current), interval);
        } else if (deliveries.paused()) {
            // The notification may not have been read.
            feed.execute(() -> check(current), RETRY);
        } else {
            missing = true;
            reader.interrupted(true);
            fail(MISSING);
            Uni<?> configured = configure ? configure() : Uni.createFrom().voidItem();
            configured
                    .onFailure()
                    .invoke(failure -> fail(MISSING + ", and Sluice can't set it: " + RootCause.innermost(failure)))
                    .onFailure()
                    .recoverWithNull()
                    .subscribe()
                    .with(done -> feed.execute(() -> probe(current), RETRY));
        }
    }

    private void fail(String why) {
        reason = why;
        long count = logged.pass();
        if (count > 0) {
            LOG.warnf("%s. Clients of these routes get nothing until then; this pod tries again", why);
        }
    }

    /** Adds what is missing to the setting, and keeps the rest. */
    private Uni<Response> configure() {
        return redis.send(Request.cmd(Command.CONFIG).arg("GET").arg(SETTING)).chain(reply -> {
            String flags = value(reply);
            String wanted =
                    flags + (flags.contains("K") ? "" : "K") + (flags.contains("t") || flags.contains("A") ? "" : "t");
            LOG.infof("Sluice sets %s of Redis from \"%s\" to \"%s\"", SETTING, flags, wanted);
            return redis.send(
                    Request.cmd(Command.CONFIG).arg("SET").arg(SETTING).arg(wanted));
        });
    }

    private static String value(Response reply) {
        Response value = reply.isMap() ? reply.get(SETTING) : reply.size() > 1 ? reply.get(1) : null;
        return value == null ? "" : value.toString();
    }
}
