package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.Authenticator;
import dev.sluice.access.Origins;
import dev.sluice.access.TokenResult;
import dev.sluice.config.SluiceConfig;
import dev.sluice.guard.ConnectionSlots;
import dev.sluice.protocol.Refusal;
import dev.sluice.registry.Registry;
import dev.sluice.wire.ClientChannel;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import jakarta.inject.Singleton;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Checks requests for connections of all protocols: slot, origin, token, and the user's number of connections. To be used on
 * the connection's event loop.
 */
@Singleton
final class ConnectionAdmission {

    /** The result for a request with a token. */
    sealed interface Outcome {

        /** The user may connect. */
        record Admitted(AuthenticatedUser identity) implements Outcome {}

        /**
         * The request gets this status.
         *
         * @param detail a sentence for the client; {@code null} where the status says it all
         */
        record Refused(int status, @Nullable String detail) implements Outcome {
            Refused(int status) {
                this(status, null);
            }
        }
    }

    private final Origins origins;
    private final Authenticator authenticator;
    private final SessionRegistry sessions;
    private final Registry registry;
    private final ConnectionSlots slots;
    private final SessionMeters meters;
    private final Duration timeout;

    ConnectionAdmission(
            Origins origins,
            Authenticator authenticator,
            SessionRegistry sessions,
            Registry registry,
            ConnectionSlots slots,
            SessionMeters meters,
            SluiceConfig config) {
        this.origins = origins;
        this.authenticator = authenticator;
        this.sessions = sessions;
        this.registry = registry;
        this.slots = slots;
        this.meters = meters;
        this.timeout = config.auth().timeout();
    }

    /** Whether the request has a body, whose end the connection would have to await. */
    static boolean hasBody(HttpServerRequest request) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        return request.headers().contains(HttpHeaders.TRANSFER_ENCODING) || (length != null && !length.equals("0"));
    }

    /**
     * Takes a slot for the request; returns the status with which it is refused, or 0.
     *
     * @param token whether it carries a token, which will be verified
     */
    int begin(HttpServerRequest request, ClientChannel channel, boolean token) {
        ConnectionSlots.Full full = channel.slot().take(slots.address(request), token);
        if (full != null) {
            return full.status();
        }
        if (sessions.closing()) {
            return 503;
        }
        return origins.allow(request) ? 0 : 403;
    }

    /** Verifies the token, unless the connection must first make room for a newer one. Never fails. */
    Uni<Outcome> verify(ClientChannel channel, String token) {
        Context loop = Vertx.currentContext();
        Uni<Outcome> verified = authenticator
                .verify(token, channel.span())
                .ifNoItem()
                .after(timeout)
                .recoverWithItem(new TokenResult.Unavailable())
                .emitOn(task -> loop.runOnContext(x -> task.run()))
                .map(result -> verified(channel, result));
        Uni<Outcome> evicted = Uni.createFrom()
                .emitter(emitter -> channel.slot().onEviction(() -> emitter.complete(new Outcome.Refused(503))));
        return Uni.combine().any().of(verified, evicted);
    }

    private Outcome verified(ClientChannel channel, TokenResult result) {
        if (result instanceof TokenResult.Accepted accepted && !sessions.closing()) {
            if (!registry.hasRoomFor(accepted.identity().user())) {
                meters.userLimitReached();
                return new Outcome.Refused(429);
            }
            channel.slot().decided();
            return new Outcome.Admitted(accepted.identity());
        }
        if (result instanceof TokenResult.Refused refused) {
            meters.authFailed(Refusal.of(refused.reason()));
            return new Outcome.Refused(401, refused.sentence());
        }
        if (result instanceof TokenResult.Forbidden) {
            meters.authFailed(Refusal.WEBHOOK);
            return new Outcome.Refused(401, TokenResult.Forbidden.SENTENCE);
        }
        if (result instanceof TokenResult.Unavailable) {
            meters.authFailed(Refusal.UNAVAILABLE);
        }
        if (result instanceof TokenResult.Undecided) {
            meters.authFailed(Refusal.UNDECIDED);
        }
        return new Outcome.Refused(503);
    }
}
