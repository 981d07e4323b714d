package dev.sluice.publish;

import dev.sluice.bulkhead.Bulkhead;
import dev.sluice.config.SluiceConfig;
import dev.sluice.http.Problem;
import dev.sluice.http.ProblemException;
import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import dev.sluice.route.Channel;
import dev.sluice.route.PublicationSource;
import dev.sluice.route.Routes;
import dev.sluice.span.Span;
import dev.sluice.span.Tracer;
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
import org.jspecify.annotations.Nullable;

/** Publishes the bodies of POST requests; limits their number, size and time. Thread-safe. */
@Startup
@Singleton
public final class PublishService {

    private static final Logger LOG = Logger.getLogger(PublishService.class);

    private final Publisher publisher;
    private final Routes routes;
    private final Vertx vertx;
    private final Tracer tracer;
    private final int maxPayload;
    private final Duration timeout;
    private final boolean writeBoth;
    private final Bulkhead<Receipt> bulkhead;
    private final Counter tooMany;
    private final Counter abandoned;
    private final LogThrottle unconfirmed = new LogThrottle();

    PublishService(
            Publisher publisher,
            Routes routes,
            Vertx vertx,
            Tracer tracer,
            SluiceConfig config,
            MeterRegistry metrics) {
        this.publisher = publisher;
        this.routes = routes;
        this.vertx = vertx;
        this.tracer = tracer;
        this.maxPayload = (int) config.maxPayload().asLongValue();
        this.timeout = config.publish().timeout();
        this.writeBoth = config.streams().writeBoth();
        // A POST takes at most the timeout twice: for its body, and for Redis. The queue has one place, the minimum of
        // the bulkhead.
        this.bulkhead = new Bulkhead<>(
                "a publication", timeout.multipliedBy(2), config.publish().concurrency(), 1);
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
     * @param payload converts the body to the payload; may throw a {@link ProblemException}, and must not block
     */
    public Uni<Receipt> publish(HttpServerRequest request, String channel, UnaryOperator<byte[]> payload) {
        Channel resolved = routes.resolve(channel);
        if (resolved == null) {
            throw ProblemException.badRequest(Routes.NO_CHANNEL);
        }
        boolean toStream = writesStream(resolved.route().source());
        Context context = vertx.getOrCreateContext();
        AtomicBoolean sent = new AtomicBoolean();
        Span span = tracer.start("publish", request).set("sluice.channel", channel);
        return bulkhead.call(() -> read(request, context)
                        .map(payload)
                        .invoke(this::check)
                        .invoke(bytes -> checkClientWaits(request))
                        .invoke(bytes -> sent.set(true))
                        .chain(bytes -> toStream
                                ? publisher.add(channel, bytes).map(Receipt::added)
                                : publisher.publish(channel, bytes).map(Receipt::published))
                        .onFailure(NotConfirmed.class)
                        .transform(this::unconfirmed)
                        .onFailure(NotAStream.class)
                        .transform(failure -> new ProblemException(
                                new Problem(409, "The channel's key in Redis does not hold a stream"))))
                // Quarkus cancels if the client disconnects; a call in the queue is then skipped.
                .onCancellation()
                .invoke(() -> countUnless(sent.get()))
                .onFailure(BulkheadException.class)
                .transform(this::tooMany)
                .onFailure(TimeoutException.class)
                .transform(failure -> ProblemException.unavailable(
                        "The request timed out; the message may still have been published"))
                .onTermination()
                .invoke((receipt, failure, cancelled) -> end(span, failure, cancelled));
    }

    private static void end(Span span, @Nullable Throwable failure, boolean cancelled) {
        if (cancelled) {
            span.end("disconnected");
        } else if (failure == null) {
            span.answered(202);
        } else {
            span.answered(
                    failure instanceof ProblemException problem
                            ? problem.problem().status()
                            : 500);
        }
    }

    private boolean writesStream(PublicationSource source) {
        return source == PublicationSource.BOTH ? writeBoth : source == PublicationSource.STREAM;
    }

    /** Reads the body on the request's event loop, because a queued call continues on another one. */
    private Uni<byte[]> read(HttpServerRequest request, Context context) {
        return Uni.createFrom()
                .completionStage(
                        () -> Body.read(request, maxPayload, timeout, vertx).toCompletionStage())
                .runSubscriptionOn(task -> context.runOnContext(x -> task.run()));
    }

    private Throwable tooMany(Throwable failure) {
        tooMany.increment();
        return ProblemException.unavailable("Too many publish requests are in progress");
    }

    private void check(byte[] payload) {
        if (payload.length > maxPayload) {
            throw new ProblemException(new Problem(413, "The payload is larger than " + maxPayload + " bytes"));
        }
    }

    /** Fails if the client disconnected before this call, which Quarkus does not notice. */
    private void checkClientWaits(HttpServerRequest request) {
        if (request.response().closed()) {
            countUnless(false);
            throw ProblemException.unavailable("The client has disconnected");
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
                    "Redis did not confirm posted messages: %d, last reason: %s. Publishers got 503; the next log line"
                            + " follows in a minute",
                    count, RootCause.innermost(failure));
        }
        return ProblemException.unavailable("Redis did not confirm in time; the message may still have been published");
    }
}
