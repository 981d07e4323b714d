package dev.sluice.publish;

import dev.sluice.bulkhead.Bulkhead;
import dev.sluice.config.SluiceConfig;
import dev.sluice.http.Problem;
import dev.sluice.http.ProblemException;
import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.eclipse.microprofile.faulttolerance.exceptions.BulkheadException;
import org.eclipse.microprofile.faulttolerance.exceptions.TimeoutException;
import org.jboss.logging.Logger;

/** Reads the bodies of posts and publishes them; bounds their number, size and time. */
@Startup
@Singleton
public final class PublishService {

    private static final Logger LOG = Logger.getLogger(PublishService.class);

    private final Publisher publisher;
    private final Routes routes;
    private final Vertx vertx;
    private final int maxPayload;
    private final Duration timeout;
    private final Bulkhead<Receipt> bulkhead;
    private final Counter tooMany;
    private final Counter abandoned;
    private final LogThrottle unconfirmed = new LogThrottle();

    PublishService(Publisher publisher, Routes routes, Vertx vertx, SluiceConfig config, MeterRegistry metrics) {
        this.publisher = publisher;
        this.routes = routes;
        this.vertx = vertx;
        this.maxPayload = (int) config.maxPayload().asLongValue();
        this.timeout = config.publish().timeout();
        // Each post takes at most the timeout twice: for its body, and for Redis. One waits, because the bulkhead has a
        // queue.
        this.bulkhead = new Bulkhead<>(timeout.multipliedBy(2), config.publish().concurrency(), 1);
        this.tooMany = refused("publish-concurrency", metrics);
        this.abandoned = refused("publish-abandoned", metrics);
    }

    private static Counter refused(String limit, MeterRegistry metrics) {
        return Counter.builder("sluice.refused")
                .description("What was refused because of a limit or rule")
                .tag("limit", limit)
                .register(metrics);
    }

    /**
     * Publishes the request's body on a channel of a route. Every failure is a {@link ProblemException}. To be called
     * on the request's event loop.
     *
     * @param payload makes the payload of the body; may throw such an exception, and must not take long
     */
    public Uni<Receipt> publish(HttpServerRequest request, String channel, UnaryOperator<byte[]> payload) {
        if (routes.resolve(channel) == null) {
            throw ProblemException.badRequest(Routes.NO_CHANNEL);
        }
        Context context = vertx.getOrCreateContext();
        AtomicBoolean sent = new AtomicBoolean();
        return bulkhead.call(() -> read(request, context)
                        .map(payload)
                        .invoke(this::check)
                        .invoke(bytes -> checkClientWaits(request))
                        .invoke(bytes -> sent.set(true))
                        .chain(bytes -> publisher.publish(channel, bytes))
                        .map(Receipt::new)
                        .onFailure(NotConfirmed.class)
                        .transform(this::unconfirmed))
                // Quarkus cancels this if the client leaves; a waiting call is then not made.
                .onCancellation()
                .invoke(() -> countUnless(sent.get()))
                .onFailure(BulkheadException.class)
                .transform(this::tooMany)
                .onFailure(TimeoutException.class)
                .transform(failure ->
                        ProblemException.unavailable("It took too long; it may have been published all the same"));
    }

    /** Reads the body on the request's event loop, because a post that waited continues on another one. */
    private Uni<byte[]> read(HttpServerRequest request, Context context) {
        return Uni.createFrom()
                .completionStage(
                        () -> Body.read(request, maxPayload, timeout, vertx).toCompletionStage())
                .runSubscriptionOn(task -> context.runOnContext(x -> task.run()));
    }

    private Throwable tooMany(Throwable failure) {
        tooMany.increment();
        return ProblemException.unavailable("Too much is being published at once");
    }

    private void check(byte[] payload) {
        if (payload.length > maxPayload) {
            throw new ProblemException(new Problem(413, "The payload is larger than " + maxPayload + " bytes"));
        }
    }

    /** Fails if the client left before this call, which Quarkus does not notice. */
    private void checkClientWaits(HttpServerRequest request) {
        if (request.response().closed()) {
            countUnless(false);
            throw ProblemException.unavailable("The client has left");
        }
    }

    private void countUnless(boolean sent) {
        if (!sent) {
            abandoned.increment();
        }
    }

    private Throwable unconfirmed(Throwable failure) {
        long count = unconfirmed.pass();
        if (count > 0) {
            LOG.warnf(
                    "Redis did not confirm posted messages: %d, the last because of %s. Publishers got 503; the next log line"
                            + " follows in a minute",
                    count, RootCause.innermost(failure));
        }
        return ProblemException.unavailable(
                "Redis did not confirm it in time; it may have been published all the same");
    }
}
