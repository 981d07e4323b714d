package dev.sluice.access;

import io.smallrye.jwt.algorithm.SignatureAlgorithm;
import io.smallrye.jwt.util.KeyUtils;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.interfaces.RSAKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jose4j.json.JsonUtil;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.KeyOperations;
import org.jose4j.jwk.OctetSequenceJsonWebKey;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jwk.SimpleJwkFilter;
import org.jose4j.jwk.Use;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.lang.JoseException;
import org.jspecify.annotations.Nullable;

/** The keys that verify tokens, and which of them has signed one. Immutable. */
final class KeySet {

    /** So many keys are tried for a token that does not say which has signed it. */
    static final int MAX_KEYS = 32;

    private static final int MIN_RSA_BITS = 2048;

    /** As many as the hash of HS256 has. */
    static final int MIN_SECRET_BYTES = 32;

    private static final String PEM = "-----BEGIN";

    private final List<JsonWebKey> keys;

    /** Those of the keys that can verify signatures, up to {@link #MAX_KEYS}. */
    KeySet(List<JsonWebKey> keys) {
        this.keys = keys.stream()
                .filter(key -> key instanceof PublicJsonWebKey || key instanceof OctetSequenceJsonWebKey)
                .filter(key -> key.getUse() == null || key.getUse().equals(Use.SIGNATURE))
                .limit(MAX_KEYS)
                .toList();
    }

    /**
     * Reads a JWKS, a single JWK, or a public key or certificate in PEM.
     *
     * @param algorithm of a key in PEM
     * @throws IOException where the text is none of these or has no key that verifies signatures; its message quotes
     *     nothing of the text, which may hold a secret
     */
    static KeySet parse(String text, SignatureAlgorithm algorithm) throws IOException {
        List<JsonWebKey> keys;
        try {
            keys = text.strip().startsWith(PEM) ? List.of(pem(text, algorithm)) : jwks(text);
        } catch (JoseException | GeneralSecurityException | RuntimeException | StackOverflowError e) {
            throw new IOException("it is not a JWKS");
        }
        KeySet set = new KeySet(keys);
        if (set.keys.isEmpty()) {
            throw new IOException("it has no key that verifies signatures");
        }
        return set;
    }

    /** One key without a name. */
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

    private static JsonWebKey pem(String text, SignatureAlgorithm algorithm)
            throws JoseException, GeneralSecurityException {
        Key key = text.contains("CERTIFICATE")
                ? KeyUtils.decodeCertificate(text)
                : KeyUtils.decodePublicKey(text, algorithm);
        return JsonWebKey.Factory.newJwk(key);
    }

    int size() {
        return keys.size();
    }

    /** The keys that are shorter than they should be, each as a text for the log. */
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

    /** The key that has signed the token; {@code null} where none has. jose4j remembers that it was verified. */
    @Nullable
    Key signerOf(JsonWebSignature token) {
        for (JsonWebKey candidate : candidates(token)) {
            if (hasSigned(token, candidate.getKey())) {
                return candidate.getKey();
            }
        }
        return null;
    }

    /** Those the token may mean: the key it names, keys without a name, and all where it names none. */
    private List<JsonWebKey> candidates(JsonWebSignature token) {
        SimpleJwkFilter filter = new SimpleJwkFilter();
        String id = token.getKeyIdHeaderValue();
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
        return filter.filter(keys);
    }

    private static boolean hasSigned(JsonWebSignature token, Key key) {
        try {
            token.setKey(key);
            return token.verifySignature();
        } catch (JoseException e) {
            // A key of another curve or length.
            return false;
        }
    }
}
