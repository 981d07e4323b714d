package dev.sluice.control;

import java.time.Duration;
import java.time.InstantSource;
import java.util.regex.Pattern;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import org.jose4j.jwa.AlgorithmConstraints.ConstraintType;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.MalformedClaimException;
import org.jose4j.jwt.NumericDate;
import org.jose4j.jwt.consumer.InvalidJwtException;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;
import org.jose4j.lang.JoseException;

/**
 * Signs messages between pods as JWTs (HS256), and verifies those of other pods. {@code iat} bounds a message's age, a
 * message with a {@code jti} is accepted once, and {@code typ} and {@code aud} distinguish it from users' tokens that
 * are signed with the same secret. Thread-safe.
 */
final class MessageSigner {

    /** How far the time of a message may be from ours, in the past or in the future; counted in whole seconds. */
    static final Duration WINDOW = Duration.ofSeconds(30);

    private static final String TYPE = "sluice-control+jwt";
    private static final String AUDIENCE = "sluice:control";
    private static final String CONTENT = "content";

    /** In Base64: a header, 10,000 bytes of content of which JSON escapes each, and a signature of 32 bytes. */
    private static final Pattern COMPACT = Pattern.compile("[\\w-]{1,200}\\.[\\w-]{1,28000}\\.[\\w-]{43}");

    private final SecretKey key;
    private final InstantSource clock;
    private final ReplayCache ids;

    /** The result of a verification. */
    sealed interface Verification {
        /** Another pod sent the message within {@link #WINDOW}, and it is new. */
        record Genuine(String content) implements Verification {}

        /** Any pod, maybe this one, sent the message within {@link #WINDOW}; it may be a repetition. */
        record Repeatable(String content) implements Verification {}

        /** This pod sent the message, which is accepted once. */
        record Own(String content) implements Verification {}

        /** The message must be ignored: it is forged, too old, seen before, or unreadable. */
        record Refused() implements Verification {}
    }

    /**
     * Creates a signer.
     *
     * @param secret at least 32 bytes, else signing fails
     */
    MessageSigner(byte[] secret, InstantSource clock, ReplayCache ids) {
        this.key = new SecretKeySpec(secret, "HmacSHA256");
        this.clock = clock;
        this.ids = ids;
    }

    /** Signs a message that other pods accept once. */
    String sign(String content) {
        JwtClaims claims = claims(content);
        claims.setGeneratedJwtId();
        ids.own(claims.getClaimValueAsString("jti"));
        return sign(claims);
    }

    /** Signs a message that other pods accept any number of times within {@link #WINDOW}. */
    String signRepeatable(String content) {
        return sign(claims(content));
    }

    private JwtClaims claims(String content) {
        JwtClaims claims = new JwtClaims();
        claims.setAudience(AUDIENCE);
        claims.setIssuedAt(NumericDate.fromMilliseconds(clock.millis()));
        claims.setStringClaim(CONTENT, content);
        return claims;
    }

    private String sign(JwtClaims claims) {
        JsonWebSignature message = new JsonWebSignature();
        message.setAlgorithmHeaderValue(AlgorithmIdentifiers.HMAC_SHA256);
        message.setHeader("typ", TYPE);
        message.setPayload(claims.toJson());
        message.setKey(key);
        try {
            return message.getCompactSerialization();
        } catch (JoseException e) {
            throw new IllegalStateException("A message could not be signed", e);
        }
    }

    /** Verifies a message; one with a {@code jti} is refused from the second call on. */
    Verification verify(String message) {
        if (!COMPACT.matcher(message).matches()) {
            return new Verification.Refused();
        }
        try {
            JwtClaims claims = verifiedClaims(message);
            String content = claims.getStringClaimValue(CONTENT);
            String id = claims.getJwtId();
            if (content == null) {
                return new Verification.Refused();
            }
            return id == null ? new Verification.Repeatable(content) : once(id, content);
        } catch (InvalidJwtException | MalformedClaimException e) {
            return new Verification.Refused();
        }
    }

    private JwtClaims verifiedClaims(String message) throws InvalidJwtException {
        int window = (int) WINDOW.toSeconds();
        return new JwtConsumerBuilder()
                .setVerificationKey(key)
                .setJwsAlgorithmConstraints(ConstraintType.PERMIT, AlgorithmIdentifiers.HMAC_SHA256)
                .setExpectedType(true, TYPE)
                .setExpectedAudience(AUDIENCE)
                .setRequireIssuedAt()
                .setIssuedAtRestrictions(window, window)
                .setEvaluationTime(NumericDate.fromMilliseconds(clock.millis()))
                .build()
                .processToClaims(message);
    }

    private Verification once(String id, String content) {
        return switch (ids.use(id)) {
            case NEW -> new Verification.Genuine(content);
            case OWN -> new Verification.Own(content);
            case USED, TOO_MANY -> new Verification.Refused();
        };
    }
}
