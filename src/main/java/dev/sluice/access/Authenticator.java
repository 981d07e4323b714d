package dev.sluice.access;

import dev.sluice.access.Backend.ConnectRequest;
import dev.sluice.config.SluiceConfig;
import dev.sluice.log.LimitMeter;
import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.inject.Instance;
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

    Authenticator(
            TokenVerifier tokens, SluiceConfig config, Instance<TlsConfigurationRegistry> tls, MeterRegistry metrics) {
        this.tokens = tokens;
        // Registered even without a webhook, like all limits.
        LimitMeter tooMany = new LimitMeter("webhook-token-bytes", metrics);
        this.webhook = config.webhook()
                .connectUrl()
                .map(url -> new ConnectWebhook(url, config, tls.get(), tooMany))
                .orElse(null);
    }

    /** Authenticates a token; the result comes on any thread and is never a failure. Blocks no event loop. */
    public Uni<TokenResult> verify(String token) {
        ConnectWebhook asked = webhook;
        if (asked == null) {
            return tokens.verify(token);
        }
        return tokens.verify(token)
                .chain(result -> result instanceof TokenResult.Accepted accepted
                        ? ask(asked, token, accepted)
                        : Uni.createFrom().item(result));
    }

    private Uni<TokenResult> ask(ConnectWebhook asked, String token, TokenResult.Accepted accepted) {
        return asked.ask(token, new ConnectRequest(accepted.identity().user(), accepted.claims()))
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
