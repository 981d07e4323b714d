package dev.sluice.access;

import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.jwt.auth.principal.KeyLocationResolver;
import java.security.Key;
import java.util.List;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwx.JsonWebStructure;
import org.jose4j.lang.UnresolvableKeyException;

/** Keys that are read once, at start: from a file or from the configuration itself. Never blocks. */
final class StaticKeys extends KeyLocationResolver {

    StaticKeys(JWTAuthContextInfo info) throws UnresolvableKeyException {
        super(info);
    }

    @Override
    public Key resolveKey(JsonWebSignature token, List<JsonWebStructure> nesting) throws UnresolvableKeyException {
        ServerKeys.checkAlgorithm(token, authContextInfo);
        if (key != null || jsonWebKeys == null) {
            return super.resolveKey(token, nesting);
        }
        verifyKid(token, authContextInfo.getTokenKeyId());
        String id = token.getKeyIdHeaderValue();
        Key signer = new KeySet(jsonWebKeys).signerOf(token, id == null ? authContextInfo.getTokenKeyId() : id);
        if (signer == null) {
            throw new UnresolvableKeyException("no key of the set has signed the token");
        }
        return signer;
    }

    /** The keys as far as they are known before a token comes. */
    KeySet known() {
        if (jsonWebKeys != null) {
            return new KeySet(jsonWebKeys);
        }
        return key == null ? new KeySet(List.of()) : KeySet.of(key);
    }
}
