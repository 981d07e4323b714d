package dev.sluice.demo;

import io.quarkus.arc.profile.IfBuildProfile;
import io.smallrye.jwt.util.KeyUtils;
import jakarta.inject.Singleton;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.lang.JoseException;

/**
 * Makes tokens without authentication, with the key pair that Quarkus creates in dev mode if no verification key is
 * configured.
 */
@IfBuildProfile("dev")
@Singleton
final class DevTokenFactory {

    private static final int LIFE_MINUTES = 60;

    private final Optional<String> privateKey;

    DevTokenFactory(@ConfigProperty(name = "smallrye.jwt.sign.key") Optional<String> privateKey) {
        // The JWT extension uses "NONE" for an absent key.
        this.privateKey = privateKey.filter(key -> !key.equals("NONE"));
    }

    /**
     * Returns a token for the user with these roles, or nothing if the developer configured a verification key.
     *
     * @param channels those to which the user may subscribe on routes with access=claim
     */
    Optional<String> mint(String user, List<String> roles, List<String> channels)
            throws GeneralSecurityException, JoseException {
        if (privateKey.isEmpty()) {
            return Optional.empty();
        }
        JwtClaims claims = new JwtClaims();
        claims.setSubject(user);
        claims.setClaim("type", "access");
        claims.setStringListClaim("groups", roles);
        if (!channels.isEmpty()) {
            claims.setStringListClaim("channels", channels);
        }
        claims.setExpirationTimeMinutesInTheFuture(LIFE_MINUTES);
        JsonWebSignature token = new JsonWebSignature();
        token.setAlgorithmHeaderValue(AlgorithmIdentifiers.RSA_USING_SHA256);
        token.setPayload(claims.toJson());
        token.setKey(KeyUtils.decodePrivateKey(privateKey.get()));
        return Optional.of(token.getCompactSerialization());
    }
}
