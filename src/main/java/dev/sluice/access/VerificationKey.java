package dev.sluice.access;

import dev.sluice.log.RootCause;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.jwt.KeyProvider;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.jwt.util.KeyUtils;
import jakarta.enterprise.inject.spi.DeploymentException;
import jakarta.inject.Singleton;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.eclipse.microprofile.config.Config;
import org.jboss.logging.Logger;
import org.jose4j.lang.UnresolvableKeyException;

/**
 * Fails the start if no token could ever be verified, and accepts a plain shared secret, whereas SmallRye JWT reads
 * {@code smallrye.jwt.verify.secretkey} only as a JWK.
 */
@Startup
@Singleton
final class VerificationKey {

    private static final Logger LOG = Logger.getLogger(VerificationKey.class);

    /** Shorter than most keys. */
    private static final int MAX_LOCATION = 200;

    /** A path, or a URL without user and query; base64 of a key has neither a leading slash nor a file's extension. */
    private static final Pattern LOOKS_LIKE_A_LOCATION =
            Pattern.compile("([a-z]+:)?/{0,3}([\\w.-]+/)*[\\w-]{1,64}\\.[a-z]{1,5}");

    private static final String LOCATION = "mp.jwt.verify.publickey.location";
    private static final String SECRET = "smallrye.jwt.verify.secretkey";
    private static final String SIGNER = "smallrye.jwt.sign.key";

    /** The settings that have a key. SmallRye JWT uses the first that is set, and ignores the others without a word. */
    private static final List<String> SOURCES =
            List.of("mp.jwt.verify.publickey", SECRET, "smallrye.jwt.verify.key.location", LOCATION);

    VerificationKey(JWTAuthContextInfo info, JwtVerifier factory, Config config) {
        Function<String, Optional<String>> settings = key -> config.getOptionalValue(key, String.class);
        Optional<String> location = settings.apply(LOCATION);
        try {
            checkOnlyOne(settings);
            check(info);
            factory.start(info);
        } catch (DeploymentException e) {
            throw new ConfigurationException("The key to verify tokens with can't be read: see " + LOCATION
                    + reason(e, location.orElse(LOCATION)));
        } catch (UnresolvableKeyException | IllegalArgumentException e) {
            throw new ConfigurationException("The key to verify tokens with can't be had: see " + LOCATION + "; "
                    + e.getMessage() + (e.getCause() == null ? "" : "; " + RootCause.innermost(e)));
        }
    }

    /** Whether it looks like a path or a URL; a key may have been set instead, which must not be logged. */
    static boolean isPrintable(String location) {
        return location.length() <= MAX_LOCATION
                && LOOKS_LIKE_A_LOCATION.matcher(location).matches();
    }

    private static String reason(DeploymentException e, String location) {
        Throwable cause = e.getCause();
        if (cause instanceof MalformedURLException) {
            // SmallRye takes the name of a file that does not exist for a URL.
            return "; " + (isPrintable(location) ? location : "its value") + " is neither a file nor a URL";
        }
        return cause == null ? "" : "; " + cause;
    }

    /** Throws if a key is set that would not be used, because another one is set as well. */
    static void checkOnlyOne(Function<String, Optional<String>> settings) {
        List<String> set = SOURCES.stream().filter(key -> isSet(key, settings)).toList();
        if (set.size() < 2) {
            return;
        }
        if (isSet(SIGNER, settings) && set.get(1).equals(SECRET)) {
            throw new ConfigurationException(SECRET
                    + " is set, but dev mode verifies tokens with a key of its own: set " + LOCATION + "=NONE as well");
        }
        throw new ConfigurationException("Both " + set.get(0) + " and " + set.get(1)
                + " are set, but only one key can verify tokens: remove the one with which your backend's tokens are not"
                + " signed, or set it to NONE");
    }

    /** SmallRye JWT takes {@code NONE} for an absent value. */
    private static boolean isSet(String key, Function<String, Optional<String>> settings) {
        return settings.apply(key).filter(value -> !value.equals("NONE")).isPresent();
    }

    /**
     * Checks the configured keys.
     *
     * @throws ConfigurationException where it can't be used, or has no key
     */
    static void check(JWTAuthContextInfo info) {
        boolean configured = Stream.of(
                        info.getPublicVerificationKey(),
                        info.getSecretVerificationKey(),
                        info.getPublicKeyContent(),
                        info.getPublicKeyLocation(),
                        info.getSecretKeyContent())
                .anyMatch(key -> key != null);
        if (!configured) {
            throw new ConfigurationException("No key to verify tokens with: set mp.jwt.verify.publickey.location"
                    + " (MP_JWT_VERIFY_PUBLICKEY_LOCATION) to a PEM file or the URL of a JWKS, or"
                    + " mp.jwt.verify.publickey to the key itself, or for a shared secret"
                    + " smallrye.jwt.verify.secretkey together with smallrye.jwt.verify.algorithm=HS256");
        }
        if (info.isVerifyCertificateThumbprint()) {
            throw new ConfigurationException("smallrye.jwt.verify.certificateThumbprint is not supported");
        }
        if (info.getKeyProvider() != KeyProvider.DEFAULT) {
            throw new ConfigurationException("smallrye.jwt.verify.key-provider is not supported");
        }
        String secret = info.getSecretKeyContent();
        if (secret != null) {
            checkAlgorithm(info);
        }
        if (secret != null && !isJwk(secret)) {
            info.setSecretVerificationKey(KeyUtils.createSecretKeyFromSecret(secret));
            warnOfShort(secret.getBytes(StandardCharsets.UTF_8).length);
        }
        if (ServerKeys.isServer(info.getPublicKeyLocation())) {
            if (!isUrl(info.getPublicKeyLocation())) {
                throw new ConfigurationException(
                        "The key to verify tokens with can't be read: " + LOCATION + " is not a URL");
            }
        } else if (info.getPublicVerificationKey() == null && info.getSecretVerificationKey() == null) {
            checkStatic(info);
        }
    }

    /** By default the algorithm is RS256, with which every token of a shared secret would be refused. */
    private static void checkAlgorithm(JWTAuthContextInfo info) {
        if (info.getPublicVerificationKey() == null
                && info.getPublicKeyContent() == null
                && info.getPublicKeyLocation() == null
                && info.getSignatureAlgorithm().stream()
                        .noneMatch(accepted -> accepted.getAlgorithm().startsWith("HS"))) {
            throw new ConfigurationException("smallrye.jwt.verify.secretkey is a shared secret, which does not verify "
                    + algorithm(info) + ": set smallrye.jwt.verify.algorithm=HS256 (SMALLRYE_JWT_VERIFY_ALGORITHM),"
                    + " HS384 or HS512");
        }
    }

    private static void checkStatic(JWTAuthContextInfo info) {
        KeySet keys;
        try {
            keys = new StaticKeys(info).known();
        } catch (UnresolvableKeyException e) {
            // The message of the exception may quote the key.
            LOG.debug("The key to verify tokens with can't be read", e);
            keys = new KeySet(List.of());
        }
        if (!keys.verifiesAny(ServerKeys.algorithms(info))) {
            throw new ConfigurationException("The key to verify tokens with can't be read: what "
                    + (info.getPublicKeyContent() == null && info.getSecretKeyContent() != null
                            ? "smallrye.jwt.verify.secretkey"
                            : LOCATION + " or mp.jwt.verify.publickey")
                    + " gives is not a key that verifies " + algorithm(info)
                    + " (a private key does not), nor a set with one, see mp.jwt.verify.publickey.algorithm");
        }
        keys.weak().forEach(key -> LOG.warnf("The key that verifies tokens is weak: %s. Replace it", key));
    }

    private static void warnOfShort(int bytes) {
        if (bytes < KeySet.MIN_SECRET_BYTES) {
            LOG.warnf(
                    "smallrye.jwt.verify.secretkey has %d bytes and can be guessed from a token; it should have %d or more",
                    bytes, KeySet.MIN_SECRET_BYTES);
        }
    }

    private static boolean isUrl(String location) {
        try {
            return new URI(location).getHost() != null;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private static String algorithm(JWTAuthContextInfo info) {
        return info.getSignatureAlgorithm().iterator().next().getAlgorithm();
    }

    /** Whether the secret is a JWK: a JSON object, maybe in Base64. */
    private static boolean isJwk(String secret) {
        String text = secret.strip();
        return text.startsWith("{") || text.startsWith("eyJ");
    }
}
