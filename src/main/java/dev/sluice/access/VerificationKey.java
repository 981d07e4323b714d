package dev.sluice.access;

import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.jwt.util.KeyUtils;
import jakarta.inject.Singleton;
import java.util.stream.Stream;

/**
 * Refuses to start where no token could ever be verified, and lets a shared secret be given as it is: SmallRye JWT by
 * itself reads {@code smallrye.jwt.verify.secretkey} as a JWK only.
 */
@Startup
@Singleton
final class VerificationKey {

    VerificationKey(JWTAuthContextInfo info) {
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
        String secret = info.getSecretKeyContent();
        if (secret != null && !isJwk(secret)) {
            info.setSecretVerificationKey(KeyUtils.createSecretKeyFromSecret(secret));
        }
    }

    /** A JWK is a JSON object, or one in Base64. */
    private static boolean isJwk(String secret) {
        String text = secret.strip();
        return text.startsWith("{") || text.startsWith("eyJ");
    }
}
