package dev.sluice.access;

import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.jwt.auth.principal.KeyLocationResolver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.Key;
import java.time.Duration;
import java.util.List;
import org.jose4j.http.Get;
import org.jose4j.jwk.HttpsJwks;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwx.JsonWebStructure;
import org.jose4j.lang.JoseException;
import org.jose4j.lang.UnresolvableKeyException;
import org.jspecify.annotations.Nullable;

/**
 * The keys that MicroProfile JWT is configured with. It differs from SmallRye's own in what becomes of a set of keys on a
 * server: one that a token names and the set lacks makes it be fetched again at once, where SmallRye waits for a minute
 * at least; and where it can't be fetched that is said, and not taken for a bad token. Blocks while it fetches.
 */
final class KeySource extends KeyLocationResolver {

    /** However many tokens name unknown keys, the server is not asked more often for their sake. */
    private static final Duration MIN_BETWEEN_FETCHES = Duration.ofSeconds(10);

    private static final int HTTP_TIMEOUT_MILLIS = 2000;

    private final Object fetching = new Object();
    private long fetched;
    private @Nullable IOException failure;

    /**
     * Reads or fetches the keys.
     *
     * @throws UnresolvableKeyException where it can't; caused by an {@link IOException} where that may be another time
     */
    KeySource(JWTAuthContextInfo info) throws UnresolvableKeyException {
        super(info);
        // A set that has changed since is fetched at once, however young this one is.
        fetched = System.nanoTime() - MIN_BETWEEN_FETCHES.toNanos();
    }

    @Override
    public Key resolveKey(JsonWebSignature token, List<JsonWebStructure> nesting) throws UnresolvableKeyException {
        try {
            return super.resolveKey(token, nesting);
        } catch (UncheckedIOException e) {
            throw new UnresolvableKeyException("The set of keys can't be fetched", e.getCause());
        }
    }

    @Override
    protected @Nullable JsonWebKey getHttpsJwk(@Nullable String id, String algorithm) {
        try {
            List<JsonWebKey> keys = httpsJwks.getJsonWebKeys();
            JsonWebKey key = getJsonWebKey(id, keys, algorithm);
            if (key != null || id == null || isMatchingJwkAvailable(keys, id)) {
                return key;
            }
            fetch();
            return getJsonWebKey(id, httpsJwks.getJsonWebKeys(), algorithm);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (JoseException e) {
            throw new UncheckedIOException(new IOException("not a set of keys", e));
        }
    }

    /** Fetches them unless that has just been tried; whoever comes meanwhile waits for the outcome and shares it. */
    private void fetch() throws IOException, JoseException {
        synchronized (fetching) {
            if (System.nanoTime() - fetched < MIN_BETWEEN_FETCHES.toNanos()) {
                if (failure != null) {
                    throw failure;
                }
                return;
            }
            try {
                httpsJwks.refresh();
                failure = null;
            } catch (IOException e) {
                failure = e;
                throw e;
            } finally {
                fetched = System.nanoTime();
            }
        }
    }

    @Override
    protected HttpsJwks getHttpsJwks(String location) {
        HttpsJwks keys = super.getHttpsJwks(location);
        keys.setRefreshReprieveThreshold(0);
        return keys;
    }

    @Override
    protected Get getHttpGet() {
        Get get = new Get();
        get.setConnectTimeout(HTTP_TIMEOUT_MILLIS);
        get.setReadTimeout(HTTP_TIMEOUT_MILLIS);
        // Whoever waits comes again.
        get.setRetries(0);
        return get;
    }
}
