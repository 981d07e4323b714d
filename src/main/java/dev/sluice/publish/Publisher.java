package dev.sluice.publish;

import dev.sluice.config.FeedConfig;
import dev.sluice.config.SluiceConfig;
import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import dev.sluice.redis.CommandConnection;
import dev.sluice.redis.CommandConnectionFactory;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import org.jboss.logging.Logger;

/** Publishes bytes to Redis, unchanged. Callers bound the number of simultaneous calls. */
@Startup
@Singleton
public final class Publisher {

    private static final Logger LOG = Logger.getLogger(Publisher.class);

    /** What the names of channels between pods begin with; they are not sharded. */
    private static final String OWN = "sluice:";

    /** The name of an entry's only field. */
    private static final String FIELD = "data";

    private final CommandConnection redis;
    private final boolean sharded;
    private final long maxLength;
    private final long maxAgeMillis;
    private final Counter unexpiring;
    private final LogThrottle unexpiringLog = new LogThrottle();

    Publisher(CommandConnectionFactory connections, SluiceConfig config, MeterRegistry metrics) {
        this.redis = connections.open(config.publish().timeout());
        this.sharded = config.feed().mode() == FeedConfig.Mode.SHARDED;
        this.maxLength = config.streams().maxLength();
        this.maxAgeMillis = config.streams().maxAge().toMillis();
        this.unexpiring = Counter.builder("sluice.streams.unexpiring")
                .description("Entries that the HTTP API added to a stream whose expiry it could not set")
                .register(metrics);
    }

    /**
     * Publishes a payload, and returns the number of subscribers that received it, within {@code
     * sluice.publish.timeout}. Without a confirmation by Redis it fails with {@link NotConfirmed}, and may still have
     * published it. May be called, and completes, on any thread.
     *
     * @param payload must not change any more
     */
    public Uni<Long> publish(String channel, byte[] payload) {
        boolean toShard = sharded && !channel.startsWith(OWN);
        Request request = Request.cmd(toShard ? Command.SPUBLISH : Command.PUBLISH)
                .arg(bytes(channel))
                .arg(Buffer.buffer(payload));
        return (toShard ? redis.send(channel, request) : redis.send(request))
                .map(Response::toLong)
                .onFailure()
                .transform(NotConfirmed::new);
    }

    /**
     * Adds an entry with the payload to the stream of the channel's name, and returns the entry's ID, within {@code
     * sluice.publish.timeout}. Trims the stream, and then sets its expiry. Without a confirmation by Redis it fails with
     * {@link NotConfirmed}, and may still have added the entry; if the key is not a stream, with {@link NotAStream}. May
     * be called, and completes, on any thread.
     *
     * @param payload must not change any more
     */
    public Uni<String> add(String channel, byte[] payload) {
        Request entry = Request.cmd(Command.XADD)
                .arg(bytes(channel))
                .arg("MAXLEN")
                .arg("~")
                .arg(maxLength)
                .arg("*")
                .arg(FIELD)
                .arg(Buffer.buffer(payload));
        // Not a chain, which would leave the stream without an expiry if the client disconnected in between.
        return Uni.createFrom()
                .emitter(answer -> redis.send(channel, entry)
                        .subscribe()
                        .with(
                                id -> {
                                    // Not before the entry is confirmed, because the key may hold other data.
                                    expire(channel);
                                    answer.complete(id.toString());
                                },
                                failure -> answer.fail(
                                        isOfAnotherType(failure)
                                                ? new NotAStream(failure)
                                                : new NotConfirmed(failure))));
    }

    private static boolean isOfAnotherType(Throwable failure) {
        String error = failure instanceof Response ? failure.getMessage() : null;
        return error != null && error.startsWith("WRONGTYPE");
    }

    /** Sets the expiry. A failure is only counted: the entry exists, and a publisher that repeated it would duplicate it. */
    private void expire(String key) {
        redis.send(key, Request.cmd(Command.PEXPIRE).arg(bytes(key)).arg(maxAgeMillis))
                .subscribe()
                .with(done -> {}, this::warnOfExpiry);
    }

    private void warnOfExpiry(Throwable failure) {
        unexpiring.increment();
        long count = unexpiringLog.pass();
        if (count > 0) {
            LOG.warnf(
                    "Redis did not set the expiry of streams after new entries: %d, last reason: %s. The next entry"
                            + " tries again; the next log line follows in a minute",
                    count, RootCause.innermost(failure));
        }
    }

    private static Buffer bytes(String channel) {
        return Buffer.buffer(channel.getBytes(StandardCharsets.UTF_8));
    }
}
