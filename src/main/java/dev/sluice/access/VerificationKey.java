package dev.sluice.access;

import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.jwt.auth.principal.JWTParser;
import io.smallrye.jwt.auth.principal.ParseException;
import io.smallrye.jwt.util.KeyUtils;
import jakarta.enterprise.inject.spi.DeploymentException;
import jakarta.inject.Singleton;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.jose4j.lang.UnresolvableKeyException;

/**
 * Refuses to start where no token could ever be verified, and lets a shared secret be given as it is: SmallRye JWT by
 * itself reads {@code smallrye.jwt.verify.secretkey} as a JWK only.
 */
@Startup
@Singleton
final class VerificationKey {

    private static final Logger LOG = Logger.getLogger(VerificationKey.class);

    private static final String LOCATION = "mp.jwt.verify.publickey.location";

    VerificationKey(JWTAuthContextInfo info, JWTParser parser) {
        try {
            check(info, parser);
        } catch (DeploymentException e) {
            throw new ConfigurationException("The key to verify tokens with can't be read: see " + LOCATION
                    + (e.getCause() == null ? "" : "; " + e.getCause()));
        }
    }

    private static void check(JWTAuthContextInfo info, JWTParser parser) {
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
        if (ServerKeys.isServer(info.getPublicKeyLocation()) && !isUrl(info.getPublicKeyLocation())) {
            throw new ConfigurationException(
                    "The key to verify tokens with can't be read: " + LOCATION + " is not a URL");
        }
        String secret = info.getSecretKeyContent();
        if (secret != null && !isJwk(secret)) {
            info.setSecretVerificationKey(KeyUtils.createSecretKeyFromSecret(secret));
            warnOfShort(secret.getBytes(StandardCharsets.UTF_8).length);
        }
        String content = info.getPublicKeyContent();
        if (content != null && !isJwk(content) && !isReadable(info, parser)) {
            throw new ConfigurationException("The key to verify tokens with can't be read: what " + LOCATION
                    + " or mp.jwt.verify.publickey gives is not a public key for "
                    + algorithm(info) + ", see mp.jwt.verify.publickey.algorithm");
        }
        if (content != null || (secret != null && isJwk(secret))) {
            warnOfWeak(info);
        }
    }

    private static void warnOfShort(int bytes) {
        if (bytes < KeySet.MIN_SECRET_BYTES) {
            LOG.warnf(
                    "smallrye.jwt.verify.secretkey has %d bytes and can be guessed from a token; it should have %d or more",
                    bytes, KeySet.MIN_SECRET_BYTES);
        }
    }

    private static void warnOfWeak(JWTAuthContextInfo info) {
        try {
            new StaticKeys(info)
                    .known()
                    .weak()
                    .forEach(key -> LOG.warnf("A key to verify tokens with is weak: %s", key));
        } catch (UnresolvableKeyException e) {
            // The first token will say so.
            LOG.debug("The key to verify tokens with can't be looked at", e);
        }
    }

    private static boolean isUrl(String location) {
        try {
            return new URI(location).getHost() != null;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    /** Whether verifying fails for any other reason than the key. */
    private static boolean isReadable(JWTAuthContextInfo info, JWTParser parser) {
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        String header =
                base64.encodeToString(("{\"alg\":\"" + algorithm(info) + "\"}").getBytes(StandardCharsets.US_ASCII));
        try {
            parser.parse(header + "." + base64.encodeToString(new byte[] {'{', '}'}) + ".AA");
            return true;
        } catch (ParseException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof UnresolvableKeyException) {
                    return false;
                }
            }
            return true;
        }
    }

    private static String algorithm(JWTAuthContextInfo info) {
        return info.getSignatureAlgorithm().iterator().next().getAlgorithm();
    }

    /** A JWK is a JSON object, or one in Base64. */
    private static boolean isJwk(String secret) {
        String text = secret.strip();
        return text.startsWith("{") || text.startsWith("eyJ");
    }
}
