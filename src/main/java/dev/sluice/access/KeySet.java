package dev.sluice.access;

import io.smallrye.jwt.algorithm.SignatureAlgorithm;
import io.smallrye.jwt.util.KeyUtils;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.Key;
import java.security.interfaces.RSAKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jose4j.json.JsonUtil;
import org.jose4j.jwk.EllipticCurveJsonWebKey;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.KeyOperations;
import org.jose4j.jwk.OctetKeyPairJsonWebKey;
import org.jose4j.jwk.OctetSequenceJsonWebKey;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jwk.RsaJsonWebKey;
import org.jose4j.jwk.SimpleJwkFilter;
import org.jose4j.jwk.Use;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.lang.JoseException;
import org.jspecify.annotations.Nullable;

/** The keys that verify tokens. Immutable. */
final class KeySet {

    /** The maximum number of keys that are tried for a token. */
    static final int MAX_TRIED = 32;

    private static final int MIN_RSA_BITS = 2048;

    /** The size of HS256's hash. */
    static final int MIN_SECRET_BYTES = 32;

    private static final String PEM = "-----BEGIN";

    private final List<JsonWebKey> keys;

    /** Creates a set of those keys that can verify signatures. */
    KeySet(List<JsonWebKey> keys) {
        this.keys = keys.stream()
                .filter(key -> key instanceof PublicJsonWebKey || key instanceof OctetSequenceJsonWebKey)
                .filter(key -> key.getUse() == null || key.getUse().equals(Use.SIGNATURE))
                .toList();
    }

    /**
     * Reads a JWKS, a single JWK, or a public key or certificate in PEM.
     *
     * @param algorithms that a key in PEM may be for
     * @throws IOException where the text is none of these or has no key that verifies signatures; its message quotes
     *     nothing of the text, which may hold a secret
     */
    static KeySet parse(String text, Collection<SignatureAlgorithm> algorithms) throws IOException {
        List<JsonWebKey> keys;
        try {
            keys = text.strip().startsWith(PEM) ? List.of(pem(text, algorithms)) : jwks(text);
        } catch (JoseException | GeneralSecurityException | RuntimeException | StackOverflowError e) {
            throw new IOException("it is not a JWKS");
        }
        KeySet set = new KeySet(keys);
        if (set.keys.isEmpty()) {
            throw new IOException("it has no key that verifies signatures");
        }
        return set;
    }

    /** Returns a set of one key without a name. */
    static KeySet of(Key key) {
        try {
            return new KeySet(List.of(JsonWebKey.Factory.newJwk(key)));
        } catch (JoseException e) {
            return new KeySet(List.of());
        }
    }

    private static List<JsonWebKey> jwks(String text) throws JoseException {
        Map<String, Object> json = JsonUtil.parseJson(text);
        return json.containsKey(JsonWebKey.KEY_TYPE_PARAMETER)
                ? List.of(JsonWebKey.Factory.newJwk(json))
                : new JsonWebKeySet(text).getJsonWebKeys();
    }

    private static JsonWebKey pem(String text, Collection<SignatureAlgorithm> algorithms)
            throws JoseException, GeneralSecurityException {
        if (text.contains("CERTIFICATE")) {
            return JsonWebKey.Factory.newJwk(KeyUtils.decodeCertificate(text));
        }
        for (SignatureAlgorithm algorithm : algorithms) {
            try {
                return JsonWebKey.Factory.newJwk(KeyUtils.decodePublicKey(text, algorithm));
            } catch (GeneralSecurityException | RuntimeException e) {
                // The key is for another algorithm.
            }
        }
        throw new InvalidKeyException("a key for none of the algorithms");
    }

    int size() {
        return keys.size();
    }

    /** Whether a key of the set is for one of the algorithms. */
    boolean verifiesAny(Collection<String> algorithms) {
        return algorithms.stream()
                .anyMatch(algorithm -> keys.stream()
                        .anyMatch(key -> key.getKeyType().equals(keyType(algorithm))
                                && (key.getAlgorithm() == null
                                        || key.getAlgorithm().equals(algorithm))));
    }

    private static String keyType(String algorithm) {
        return switch (algorithm.substring(0, 2)) {
            case "HS" -> OctetSequenceJsonWebKey.KEY_TYPE;
            case "ES" -> EllipticCurveJsonWebKey.KEY_TYPE;
            case "Ed" -> OctetKeyPairJsonWebKey.KEY_TYPE;
            default -> RsaJsonWebKey.KEY_TYPE;
        };
    }

    /** Returns the number of keys without a name, each of which may have signed any token. */
    int unnamed() {
        return (int) keys.stream().filter(key -> key.getKeyId() == null).count();
    }

    /** Describes the keys that are too short, for the log. */
    List<String> weak() {
        List<String> weak = new ArrayList<>();
        for (JsonWebKey key : keys) {
            if (key.getKey() instanceof RSAKey rsa && rsa.getModulus().bitLength() < MIN_RSA_BITS) {
                weak.add("an RSA key of " + rsa.getModulus().bitLength() + " bits, should have " + MIN_RSA_BITS
                        + " or more");
            } else if (key instanceof OctetSequenceJsonWebKey secret
                    && secret.getOctetSequence().length < MIN_SECRET_BYTES) {
                weak.add("a secret of " + secret.getOctetSequence().length + " bytes, should have " + MIN_SECRET_BYTES
                        + " or more");
            }
        }
        return weak;
    }

    /**
     * Returns the key that has signed the token; {@code null} if none has. jose4j remembers that the token was
     * verified.
     *
     * @param id of the key that it should be; {@code null} where each may be
     */
    @Nullable
    Key signerOf(JsonWebSignature token, @Nullable String id) {
        for (JsonWebKey candidate : candidates(token, id)) {
            if (hasSigned(token, candidate.getKey())) {
                return candidate.getKey();
            }
        }
        return null;
    }

    /**
     * Returns the keys of that name, then keys without a name. If there is no name to look for, returns keys without a
     * name, then all others.
     */
    private List<JsonWebKey> candidates(JsonWebSignature token, @Nullable String id) {
        SimpleJwkFilter filter = new SimpleJwkFilter();
        if (id != null) {
            filter.setKid(id, SimpleJwkFilter.OMITTED_OKAY);
        }
        try {
            filter.setKty(token.getAlgorithmNoConstraintCheck().getKeyType());
        } catch (JoseException e) {
            return List.of();
        }
        filter.setAlg(token.getAlgorithmHeaderValue(), SimpleJwkFilter.OMITTED_OKAY);
        filter.setKeyOperations(new String[] {KeyOperations.VERIFY}, SimpleJwkFilter.OMITTED_OKAY);
        return filter.filter(keys).stream()
                .sorted(Comparator.comparing(key -> (key.getKeyId() == null) != (id == null)))
                .limit(MAX_TRIED)
                .toList();
    }

    private static boolean hasSigned(JsonWebSignature token, Key key) {
        try {
            token.setKey(key);
            return token.verifySignature();
        } catch (JoseException | RuntimeException e) {
            // The signature is malformed, or the key has another curve or length.
            return false;
        }
    }
}
