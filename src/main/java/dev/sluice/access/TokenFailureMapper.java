package dev.sluice.access;

import dev.sluice.access.TokenResult.Reason;
import dev.sluice.log.RootCause;
import io.smallrye.jwt.auth.principal.ParseException;
import java.util.List;
import org.jose4j.jwt.ReservedClaimNames;
import org.jose4j.jwt.consumer.ErrorCodeValidator;
import org.jose4j.jwt.consumer.ErrorCodes;
import org.jose4j.jwt.consumer.InvalidJwtException;
import org.jose4j.lang.InvalidAlgorithmException;
import org.jose4j.lang.UnresolvableKeyException;
import org.jspecify.annotations.Nullable;

/** Describes what is wrong with a token, because the messages of exceptions quote the token. */
final class TokenFailureMapper {

    static final String INVALID = "token is invalid";

    private static final String SIGNATURE = "token's signature is invalid";

    private TokenFailureMapper() {}

    static TokenResult.Refused refused(ParseException failure) {
        Throwable cause = failure.getCause();
        if (cause instanceof UnresolvableKeyException) {
            return new TokenResult.Refused(Reason.SIGNATURE, SIGNATURE);
        }
        if (cause instanceof InvalidJwtException invalid) {
            List<ErrorCodeValidator.Error> errors = invalid.getErrorDetails();
            return errors.isEmpty()
                    ? new TokenResult.Refused(Reason.CLAIMS, lacking(invalid))
                    : refused(errors.get(0).getErrorCode(), invalid.getCause());
        }
        return cause == null
                ? new TokenResult.Refused(Reason.CLAIMS, INVALID)
                : new TokenResult.Refused(Reason.TOKEN, INVALID);
    }

    /** Says which claim is missing: sub, or one of smallrye.jwt.required.claims. */
    private static String lacking(InvalidJwtException invalid) {
        return invalid.getJwtContext() == null
                        || invalid.getJwtContext().getJwtClaims().hasClaim(ReservedClaimNames.SUBJECT)
                ? "token lacks a claim"
                : "token has no sub claim";
    }

    private static TokenResult.Refused refused(int code, @Nullable Throwable cause) {
        return switch (code) {
            case ErrorCodes.EXPIRED -> new TokenResult.Refused(Reason.EXPIRED, "token has expired");
            case ErrorCodes.EXPIRATION_MISSING -> new TokenResult.Refused(Reason.CLAIMS, "token has no exp claim");
            case ErrorCodes.NOT_YET_VALID -> new TokenResult.Refused(Reason.CLAIMS, "token is not valid yet");
            case ErrorCodes.AUDIENCE_INVALID, ErrorCodes.AUDIENCE_MISSING ->
                new TokenResult.Refused(Reason.AUDIENCE, "token is for another audience");
            case ErrorCodes.ISSUER_INVALID, ErrorCodes.ISSUER_MISSING ->
                new TokenResult.Refused(Reason.ISSUER, "token is of another issuer");
            case ErrorCodes.SIGNATURE_INVALID, ErrorCodes.SIGNATURE_MISSING, ErrorCodes.INTEGRITY_MISSING ->
                new TokenResult.Refused(Reason.SIGNATURE, SIGNATURE);
            case ErrorCodes.JSON_INVALID -> new TokenResult.Refused(Reason.TOKEN, INVALID);
            case ErrorCodes.MISCELLANEOUS ->
                cause instanceof InvalidAlgorithmException
                        ? new TokenResult.Refused(Reason.SIGNATURE, SIGNATURE)
                        : new TokenResult.Refused(Reason.TOKEN, INVALID);
            default -> new TokenResult.Refused(Reason.CLAIMS, INVALID);
        };
    }

    /** Returns a detail for the log, if it is safe: about form and keys, never about claims. */
    static String detail(TokenResult.Refused result, @Nullable Throwable failure) {
        if (result.reason() == Reason.TOKEN && failure instanceof ParseException) {
            return "; it is not a signed JWT";
        }
        return failure != null && failure.getCause() instanceof UnresolvableKeyException key
                ? "; " + RootCause.innermost(key)
                : "";
    }
}
