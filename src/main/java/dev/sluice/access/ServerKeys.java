package dev.sluice.access;

import io.smallrye.jwt.algorithm.SignatureAlgorithm;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.vertx.core.Vertx;
import java.net.URI;
import java.security.Key;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwx.JsonWebStructure;
import org.jose4j.keys.resolvers.VerificationKeyResolver;
import org.jose4j.lang.UnresolvableKeyException;
import org.jspecify.annotations.Nullable;

/** Finds the key of a server that has signed a token. Never blocks, because it uses only known keys. */
final class ServerKeys implements VerificationKeyResolver {

    /** What of a header may be in a line of the log. */
    private static final Pattern LOGGABLE = Pattern.compile("[\\w.:-]{1,64}");

    private final JWTAuthContextInfo info;
    private final KeyServer server;

    /** None of the keys that are known has signed the token. */
    static final class NotSigned extends UnresolvableKeyException {
        private static final long serialVersionUID = 1;

        private final transient KeyServer.@Nullable Known tried;

        NotSigned(KeyServer.@Nullable Known tried, JsonWebSignature token) {
            super("none of " + (tried == null ? 0 : tried.keys().size()) + " keys has signed it, alg "
                    + loggable(token.getAlgorithmHeaderValue()) + ", kid " + loggable(token.getKeyIdHeaderValue()));
            this.tried = tried;
        }

        /** Whether the keys were asked for after the token's arrival, by {@link System#nanoTime}. */
        boolean isFinalFor(long arrival) {
            return tried != null && tried.asked() - arrival >= 0;
        }
    }

    /** Throws, naming the setting, if tokens of this algorithm are not accepted. */
    static void checkAlgorithm(JsonWebSignature token, JWTAuthContextInfo info) throws UnresolvableKeyException {
        String algorithm = token.getAlgorithmHeaderValue();
        if (info.getSignatureAlgorithm().stream()
                .noneMatch(accepted -> accepted.getAlgorithm().equals(algorithm))) {
            throw new UnresolvableKeyException(
                    "its alg " + loggable(algorithm) + " is not accepted: see mp.jwt.verify.publickey.algorithm");
        }
    }

    /** The algorithms that tokens may have. */
    static List<String> algorithms(JWTAuthContextInfo info) {
        return info.getSignatureAlgorithm().stream()
                .map(SignatureAlgorithm::getAlgorithm)
                .toList();
    }

    private static String loggable(@Nullable String header) {
        return header == null
                ? "none"
                : LOGGABLE.matcher(header).matches() && !header.startsWith("eyJ") ? header : "of another form";
    }

    ServerKeys(Vertx vertx, JWTAuthContextInfo info) {
        this.info = info;
        KeyFetch fetch = new KeyFetch(vertx, info);
        this.server = new KeyServer(
                shown(info.getPublicKeyLocation()),
                algorithms(info),
                fetch::keys,
                (millis, task) -> {
                    if (millis == 0) {
                        task.run();
                    } else {
                        vertx.setTimer(millis, fired -> task.run());
                    }
                },
                System::nanoTime,
                Duration.ofMinutes(info.getJwksRetainCacheOnErrorDuration()));
    }

    /** Whether the location is that of a server. */
    static boolean isServer(@Nullable String location) {
        return location != null && (location.startsWith("http:") || location.startsWith("https:"));
    }

    @Override
    public Key resolveKey(JsonWebSignature token, List<JsonWebStructure> nesting) throws UnresolvableKeyException {
        checkAlgorithm(token, info);
        String id = token.getKeyIdHeaderValue();
        if (info.getTokenKeyId() != null && id != null && !id.equals(info.getTokenKeyId())) {
            throw new UnresolvableKeyException("its kid is not the one that is configured");
        }
        KeyServer.Known known = server.known();
        Key signer = known == null ? null : known.keys().signerOf(token, id == null ? info.getTokenKeyId() : id);
        if (signer == null) {
            throw new NotSigned(known, token);
        }
        return signer;
    }

    CompletableFuture<Void> next(Duration patience) {
        return server.next(patience);
    }

    boolean healthy() {
        return server.healthy();
    }

    /** Without user info and query, which may hold a secret. */
    private static String shown(String location) {
        URI uri = URI.create(location);
        return uri.getScheme() + "://" + uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort()) + uri.getPath();
    }
}
