package dev.sluice.access;

import io.smallrye.jwt.algorithm.SignatureAlgorithm;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.jwt.util.KeyUtils;
import io.smallrye.jwt.util.ResourceUtils;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Fetches keys from a server, with the settings of {@code smallrye.jwt.client.tls.*} and the proxy. Bounded in time,
 * bytes and redirects.
 */
final class KeyFetch {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);

    /** For the whole answer, redirects included. */
    private static final Duration TIMEOUT = Duration.ofSeconds(3);

    /** A connection without data for this time is closed. */
    private static final Duration IDLE_TIMEOUT = Duration.ofSeconds(4);

    private static final int MAX_BYTES = 512 * 1024;
    private static final int MAX_REDIRECTS = 3;
    private static final Pattern MAX_AGE = Pattern.compile("max-age=(\\d{1,9})");

    private final Vertx vertx;
    private final URI location;
    private final boolean verifyHost;
    private final Collection<SignatureAlgorithm> algorithms;
    private final Duration life;
    private final HttpClient client;

    KeyFetch(Vertx vertx, JWTAuthContextInfo info) {
        this.vertx = vertx;
        this.location = URI.create(info.getPublicKeyLocation());
        this.algorithms = info.getSignatureAlgorithm();
        this.life = Duration.ofMinutes(info.getJwksRefreshInterval());
        this.verifyHost = !info.isTlsTrustAll()
                && (info.getTlsTrustedHosts() == null
                        || !info.getTlsTrustedHosts().contains(location.getHost()));
        HttpClientOptions options = new HttpClientOptions()
                .setConnectTimeout((int) CONNECT_TIMEOUT.toMillis())
                .setSslHandshakeTimeout(CONNECT_TIMEOUT.toMillis())
                .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS)
                .setIdleTimeout((int) IDLE_TIMEOUT.toSeconds())
                .setKeepAlive(false)
                .setVerifyHost(verifyHost);
        trust(options, info);
        ProxyOptions proxy = proxy(info);
        if (proxy != null) {
            options.setProxyOptions(proxy);
        }
        this.client = vertx.createHttpClient(options);
    }

    private static void trust(HttpClientOptions options, JWTAuthContextInfo info) {
        try {
            String certificate = info.getTlsCertificate();
            if (certificate == null && info.getTlsCertificatePath() != null) {
                certificate = ResourceUtils.readResource(info.getTlsCertificatePath());
                if (certificate == null) {
                    throw new IOException("no such file");
                }
            }
            if (certificate != null) {
                byte[] encoded = KeyUtils.getCertificate(certificate).getEncoded();
                options.setTrustOptions(new PemTrustOptions()
                        .addCertValue(Buffer.buffer("-----BEGIN CERTIFICATE-----\n"
                                + Base64.getMimeEncoder().encodeToString(encoded)
                                + "\n-----END CERTIFICATE-----\n")));
            }
        } catch (IOException | GeneralSecurityException | RuntimeException e) {
            throw new IllegalArgumentException("smallrye.jwt.client.tls.certificate can't be read", e);
        }
    }

    /** Returns the configured proxy, else the JVM's. */
    private @Nullable ProxyOptions proxy(JWTAuthContextInfo info) {
        ProxyOptions options = new ProxyOptions().setType(ProxyType.HTTP);
        if (info.getHttpProxyHost() != null) {
            return options.setHost(info.getHttpProxyHost()).setPort(info.getHttpProxyPort());
        }
        ProxySelector proxies = ProxySelector.getDefault();
        for (Proxy proxy : proxies == null ? List.<Proxy>of() : proxies.select(location)) {
            if (proxy.type() == Proxy.Type.HTTP && proxy.address() instanceof InetSocketAddress address) {
                return options.setHost(address.getHostString()).setPort(address.getPort());
            }
        }
        return null;
    }

    /** Fetches the keys; completes on any thread, and fails within {@link #TIMEOUT} without keys. */
    Future<KeyServer.Fetched> keys() {
        KeyFetchAttempt attempt = new KeyFetchAttempt(TIMEOUT);
        long timer = vertx.setTimer(TIMEOUT.toMillis(), fired -> attempt.timeOut());
        ask(location, 0, attempt).onComplete(result -> {
            vertx.cancelTimer(timer);
            if (result.succeeded()) {
                attempt.outcome().tryComplete(result.result());
            } else {
                attempt.outcome().tryFail(result.cause());
            }
        });
        return attempt.outcome().future();
    }

    private Future<KeyServer.Fetched> ask(URI uri, int redirects, KeyFetchAttempt attempt) {
        RequestOptions options = new RequestOptions()
                .setMethod(HttpMethod.GET)
                .setAbsoluteURI(uri.toString())
                .setConnectTimeout(TIMEOUT.toMillis())
                .setIdleTimeout(TIMEOUT.toMillis())
                .putHeader(HttpHeaders.ACCEPT, "application/json, */*")
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-cache");
        return client.request(options)
                .compose(attempt::watch)
                .compose(request -> request.send().compose(answer -> switch (answer.statusCode()) {
                    case 200 -> body(request, answer).compose(body -> parse(answer, body));
                    case 301, 302, 303, 307, 308 -> {
                        drop(request, answer);
                        yield redirected(uri, answer, redirects)
                                .compose(target -> attempt.isOver()
                                        ? KeyFetchAttempt.tooLate()
                                        : ask(target, redirects + 1, attempt));
                    }
                    default -> {
                        drop(request, answer);
                        yield Future.failedFuture(new IOException("HTTP status " + answer.statusCode()));
                    }
                }));
    }

    /**
     * Follows a redirect, but never from https to http, nor to another host if the certificate's name is not checked.
     */
    private Future<URI> redirected(URI from, HttpClientResponse answer, int redirects) {
        try {
            String target = answer.getHeader(HttpHeaders.LOCATION);
            URI to = target == null ? from : from.resolve(target);
            boolean allowed = target != null
                    && to.getHost() != null
                    && ("https".equals(to.getScheme()) || from.getScheme().equals(to.getScheme()))
                    && (verifyHost || to.getHost().equals(location.getHost()));
            if (redirects < MAX_REDIRECTS && allowed) {
                return Future.succeededFuture(to);
            }
        } catch (IllegalArgumentException e) {
            // The target is not a URI.
        }
        return Future.failedFuture(
                new IOException("HTTP status " + answer.statusCode() + ", a redirect that is not followed"));
    }

    /** Without a handler Vert.x would log that the request was reset. */
    private static void drop(HttpClientRequest request, HttpClientResponse answer) {
        answer.exceptionHandler(reset -> {});
        request.reset();
    }

    private static Future<Buffer> body(HttpClientRequest request, HttpClientResponse answer) {
        Promise<Buffer> whole = Promise.promise();
        Buffer body = Buffer.buffer();
        answer.handler(part -> {
                    body.appendBuffer(part);
                    if (body.length() > MAX_BYTES
                            && whole.tryFail(new IOException("the answer is larger than " + MAX_BYTES + " bytes"))) {
                        request.reset();
                    }
                })
                .exceptionHandler(whole::tryFail)
                .endHandler(end -> whole.tryComplete(body));
        return whole.future();
    }

    private Future<KeyServer.Fetched> parse(HttpClientResponse answer, Buffer body) {
        return vertx.executeBlocking(
                () -> {
                    try {
                        KeySet keys = KeySet.parse(body.toString(StandardCharsets.UTF_8), algorithms);
                        return new KeyServer.Fetched(keys, life(answer.getHeader(HttpHeaders.CACHE_CONTROL)));
                    } catch (IOException e) {
                        throw new IOException("the answer can't be used: " + e.getMessage() + " (Content-Type "
                                + answer.getHeader(HttpHeaders.CONTENT_TYPE) + ", " + body.length() + " bytes)");
                    }
                },
                false);
    }

    /** Returns the lifetime that the server states, else the configured one. */
    private Duration life(@Nullable String cacheControl) {
        Matcher maxAge = MAX_AGE.matcher(cacheControl == null ? "" : cacheControl);
        long seconds = maxAge.find() ? Long.parseLong(maxAge.group(1)) : 0;
        return seconds > 0 ? Duration.ofSeconds(seconds) : life;
    }
}
