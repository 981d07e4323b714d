package dev.sluice.socket;

import dev.sluice.access.RequestToken;
import dev.sluice.access.Tokens;
import dev.sluice.access.Verdict;
import io.quarkus.websockets.next.HttpUpgradeCheck;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Decides which requests may become WebSockets, and remembers the user of those that carry a token. */
@Singleton
final class UpgradeCheck implements HttpUpgradeCheck {

    private static final Map<String, List<String>> TRY_AGAIN = Map.of("Retry-After", List.of("1"));
    private static final Map<String, List<String>> BEARER = Map.of("WWW-Authenticate", List.of("Bearer"));

    private final Origins origins;
    private final RequestToken requestToken;
    private final Tokens tokens;
    private final GoingAway goingAway;
    private final SocketMeters meters;

    UpgradeCheck(
            SocketConfig config, RequestToken requestToken, Tokens tokens, GoingAway goingAway, SocketMeters meters) {
        this.origins = new Origins(config.origins());
        this.requestToken = requestToken;
        this.tokens = tokens;
        this.goingAway = goingAway;
        this.meters = meters;
    }

    @Override
    public Uni<CheckResult> perform(HttpUpgradeContext context) {
        HttpServerRequest request = context.httpRequest();
        if (goingAway.started()) {
            return CheckResult.rejectUpgrade(503, TRY_AGAIN);
        }
        if (!allowed(request)) {
            meters.refused("origin");
            return CheckResult.rejectUpgrade(403);
        }
        ProtocolViolation.watch(request.connection());
        String token = requestToken.of(request);
        if (token == null) {
            return CheckResult.permitUpgrade();
        }
        return tokens.verify(token).map(verdict -> {
            if (verdict instanceof Verdict.Accepted accepted) {
                context.userData().put(Endpoint.USER, accepted.user());
                return CheckResult.permitUpgradeSync();
            }
            if (verdict instanceof Verdict.Refused) {
                meters.authFailed("token");
                return CheckResult.rejectUpgradeSync(401, BEARER);
            }
            meters.authFailed("unavailable");
            return CheckResult.rejectUpgradeSync(503, TRY_AGAIN);
        });
    }

    private boolean allowed(HttpServerRequest request) {
        List<String> given = request.headers().getAll(HttpHeaders.ORIGIN);
        if (given.isEmpty()) {
            return true;
        }
        @Nullable HostAndPort host = request.authority();
        return given.size() == 1
                && origins.allow(given.get(0), host == null ? null : host.host(), host == null ? -1 : host.port());
    }
}
