package dev.sluice.access;

import io.quarkus.security.identity.IdentityProviderManager;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.security.identity.request.TokenAuthenticationRequest;
import io.quarkus.smallrye.jwt.runtime.auth.JWTAuthMechanism;
import io.quarkus.smallrye.jwt.runtime.auth.JsonWebTokenCredential;
import io.quarkus.smallrye.jwt.runtime.auth.SmallRyeJwtConfig;
import io.quarkus.vertx.http.runtime.security.HttpAuthenticationMechanism;
import io.quarkus.vertx.http.runtime.security.HttpSecurityUtils;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.annotation.Priority;
import jakarta.enterprise.inject.Alternative;
import jakarta.inject.Singleton;

/** Quarkus's authentication by token, except that it finds the token with {@link RequestToken}, like WebSockets. */
@Singleton
@Alternative
@Priority(1)
final class RequestTokenMechanism extends JWTAuthMechanism {

    private final RequestToken requestToken;

    RequestTokenMechanism(SmallRyeJwtConfig config, RequestToken requestToken) {
        super(config);
        this.requestToken = requestToken;
    }

    @Override
    public Uni<SecurityIdentity> authenticate(RoutingContext context, IdentityProviderManager identities) {
        String token = requestToken.of(context.request());
        if (token == null) {
            return Uni.createFrom().nullItem();
        }
        // Like Quarkus's own mechanism, so that this one answers if the token is refused.
        context.put(HttpAuthenticationMechanism.class.getName(), this);
        return identities
                .authenticate(HttpSecurityUtils.setRoutingContextAttribute(
                        new TokenAuthenticationRequest(new JsonWebTokenCredential(token)), context))
                .onFailure()
                .invoke(failure -> RequestToken.refused(context, failure));
    }
}
