package dev.sluice.access;

import dev.sluice.access.ConnectWebhook.ConnectRequest;
import dev.sluice.config.SluiceConfig;
import dev.sluice.log.LimitMeter;
import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import dev.sluice.span.Span;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Singleton;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Decides who may connect: the token must be valid and, if {@code sluice.webhook.connect.url} is set, a backend must
 * agree. Thread-safe.
 */
@Startup
@Singleton
public final class Authenticator {

    private static final Logger LOG = Logger.getLogger(Authenticator.class);

    private final LogThrottle unanswered = new LogThrottle();
    private final TokenVerifier tokens;
    private final @Nullable ConnectWebhook webhook;

    Authenticator(TokenVerifier tokens, SluiceConfig config, BackendClientFactory backends, MeterRegistry metrics) {
        this.tokens = tokens;
        // Registered even without a webhook, like all limits.
        LimitMeter tooMany = new LimitMeter("webhook-token-bytes", metrics);
        this.webhook = config.webhook()
                .connectUrl()
                .map(url -> new ConnectWebhook(backends.at(url), config, tooMany))
                .orElse(null);
    }

    /**
     * Authenticates a token; the result comes on any thread and is never a failure. Blocks no event loop.
     *
     * @param parent the span of the client's request
     */
    public Uni<TokenResult> verify(String token, Span parent) {
        Span span = parent.child("authenticate");
        return verifyIn(span, token)
                .onItem()
                .invoke(result -> end(span, result))
                .onCancellation()
                .invoke(() -> span.fail("timeout"));
    }

    private static void end(Span span, TokenResult result) {
        if (result instanceof TokenResult.Accepted) {
            span.end("accepted");
        } else if (result instanceof TokenResult.Refused refused) {
            span.end(refused.reason());
        } else if (result instanceof TokenResult.Forbidden) {
            span.end("forbidden");
        } else {
            span.fail(result instanceof TokenResult.Undecided ? "undecided" : "unavailable");
        }
    }

    private Uni<TokenResult> verifyIn(Span span, String token) {
        ConnectWebhook asked = webhook;
        if (asked == null) {
            return tokens.verify(token);
        }
        return tokens.verify(token)
                .chain(result -> result instanceof TokenResult.Accepted accepted
                        ? ask(asked, token, accepted, span)
                        : Uni.createFrom().item(result));
    }

    private Uni<TokenResult> ask(ConnectWebhook asked, String token, TokenResult.Accepted accepted, Span span) {
        return asked.ask(token, new ConnectRequest(accepted.identity().user(), accepted.claims()), span)
                .<TokenResult>map(may -> may ? accepted : new TokenResult.Forbidden())
                .onFailure()
                .recoverWithItem(failure -> {
                    long count = unanswered.pass();
                    if (count > 0) {
                        LOG.warnf(
                                "The backend at sluice.webhook.connect.url does not decide who may connect: %s. Clients got 1013"
                                        + " or 503; failures: %d, the next log line follows in a minute",
                                RootCause.innermost(failure), count);
                    }
                    return new TokenResult.Unavailable();
                });
    }
}
