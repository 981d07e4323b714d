package dev.sluice.access;

import dev.sluice.config.SluiceConfig;
import dev.sluice.config.WebhookConfig;
import dev.sluice.log.RootCause;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.tls.CertificateUpdatedEvent;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.quarkus.tls.runtime.config.TlsConfigUtils;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.net.SSLOptions;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/** Creates clients of backends. Their TLS is configured by {@code quarkus.tls.webhook.*}. Thread-safe. */
@Singleton
final class BackendClientFactory {

    private static final Logger LOG = Logger.getLogger(BackendClientFactory.class);

    private static final String TLS = "webhook";

    private final List<HttpClient> clients = new CopyOnWriteArrayList<>();
    private final Instance<Vertx> vertx;
    private final Instance<TlsConfigurationRegistry> tls;
    private final WebhookConfig config;

    // Lazy, because most pods ask no backend.
    BackendClientFactory(Instance<Vertx> vertx, Instance<TlsConfigurationRegistry> tls, SluiceConfig config) {
        this.vertx = vertx;
        this.tls = tls;
        this.config = config.webhook();
    }

    /**
     * Returns a client of the backend at this URL.
     *
     * @throws ConfigurationException if the TLS configuration is invalid
     */
    BackendClient at(URI url) {
        return new BackendClient(endpoint(url, true), endpoint(url, false));
    }

    private BackendClient.Endpoint endpoint(URI url, boolean keepAlive) {
        HttpClientOptions options = new HttpClientOptions()
                .setKeepAlive(keepAlive)
                .setConnectTimeout((int) Math.min(config.timeout().toMillis(), Integer.MAX_VALUE));
        tls.get().get(TLS).ifPresent(secured -> TlsConfigUtils.configure(options, secured));
        options.setSslHandshakeTimeout(
                        handshakeMillis(options.getSslHandshakeTimeout(), options.getSslHandshakeTimeoutUnit()))
                .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS);
        HttpClient client = vertx.get()
                .httpClientBuilder()
                .with(options)
                .with(new PoolOptions().setHttp1MaxSize(config.concurrency()))
                .build();
        clients.add(client);
        return new HttpEndpoint(client, url, config.timeout());
    }

    /** A handshake must not hold its place among the connections for longer than its question waits. */
    private long handshakeMillis(long configured, TimeUnit unit) {
        return Math.min(config.timeout().toMillis(), unit.toMillis(configured));
    }

    /** Replaces certificates that were reloaded. */
    void update(@Observes CertificateUpdatedEvent event) {
        if (event.name().equals(TLS)) {
            SSLOptions reloaded = new SSLOptions(event.tlsConfiguration().getSSLOptions());
            reloaded.setSslHandshakeTimeout(
                            handshakeMillis(reloaded.getSslHandshakeTimeout(), reloaded.getSslHandshakeTimeoutUnit()))
                    .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS);
            for (HttpClient client : clients) {
                client.updateSSLOptions(reloaded)
                        .onFailure(failure -> LOG.warnf(
                                "Sluice can't use the reloaded certificates of quarkus.tls.webhook: %s",
                                RootCause.innermost(failure)));
            }
        }
    }
}
