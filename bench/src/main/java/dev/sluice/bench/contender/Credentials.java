package dev.sluice.bench.contender;

import dev.sluice.harness.Tokens;
import dev.sluice.harness.Tokens.NamedKey;
import java.util.List;
import java.util.Optional;
import org.jose4j.jwt.JwtClaims;

/** Tokens that every contender accepts: signed with a secret that all of them share, or with a key where one is set. */
public final class Credentials {

    /** Shared with the servers; it protects nothing. */
    static final String SECRET = "the-secret-of-the-benchmarks-is-none-0123456789";

    private static volatile Optional<NamedKey> signingKey = Optional.empty();

    private Credentials() {}

    /** From now on signs with the key, or where there is none, with the shared secret. */
    public static void signWith(Optional<NamedKey> key) {
        signingKey = key;
    }

    /** @param groups the user's roles over HTTP */
    public static String of(String user, String... groups) {
        JwtClaims claims = Tokens.claims(user);
        claims.setStringListClaim("groups", List.of(groups));
        return signingKey.map(key -> key.sign(claims)).orElseGet(() -> Tokens.signedWithSecret(claims, SECRET));
    }

    /** A token that names another key than the one it is signed with. */
    public static String ofKey(String keyId, String user) {
        return signingKey.orElseThrow().as(keyId).sign(Tokens.claims(user));
    }
}
