package dev.sluice.access;

import dev.sluice.access.Answers.Question;
import dev.sluice.route.Channel;
import dev.sluice.route.Route;
import io.quarkus.rest.client.reactive.QuarkusRestClientBuilder;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jboss.resteasy.reactive.RestResponse;
import org.jboss.resteasy.reactive.client.api.QuarkusRestClientProperties;
import org.jspecify.annotations.Nullable;

/** Those for whom a backend says yes. TLS is configured by {@code quarkus.tls.webhook.*}. */
final class Webhook implements Judge {

    private static final String TLS = "webhook";

    /** Statuses that say nothing of the user: the backend is in trouble. */
    private static final Set<Integer> NO_ANSWER =
            Set.of(Response.Status.REQUEST_TIMEOUT.getStatusCode(), Response.Status.TOO_MANY_REQUESTS.getStatusCode());

    private final Backend backend;
    private final Turns turns;
    private final Answers answers;

    /** The backend as a REST client. */
    @Path("")
    interface Backend {
        /** Asks; a status that is not 2xx or 3xx is a failure. */
        @POST
        @Consumes(MediaType.APPLICATION_JSON)
        Uni<RestResponse<Void>> ask(Question question);
    }

    Webhook(Route route, AccessConfig.Webhook config, TlsConfigurationRegistry tls, Turns turns, Answers answers) {
        URI url = config.url()
                .filter(uri -> "http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
                .filter(uri -> uri.getHost() != null)
                .orElseThrow(() -> new ConfigurationException(
                        "sluice.routes." + route.prefix() + ".access is webhook, but sluice.webhook.url is "
                                + (config.url().isEmpty() ? "not set" : "not an http or https URL")));
        QuarkusRestClientBuilder client = QuarkusRestClientBuilder.newBuilder()
                .baseUri(url)
                .followRedirects(false)
                .connectTimeout(config.timeout().toMillis(), TimeUnit.MILLISECONDS)
                .readTimeout(config.timeout().toMillis(), TimeUnit.MILLISECONDS)
                // Else those beyond 50 would wait there, behind the turn they have already.
                .property(QuarkusRestClientProperties.CONNECTION_POOL_SIZE, config.concurrency());
        tls.get(TLS).ifPresent(client::tlsConfiguration);
        this.backend = client.build(Backend.class);
        this.turns = turns;
        this.answers = answers;
    }

    @Override
    public @Nullable Boolean known(String user, Channel channel) {
        return answers.known(new Question(user, channel.name()));
    }

    @Override
    public Uni<Boolean> ask(String user, Channel channel) {
        Question question = new Question(user, channel.name());
        return answers.ask(
                question,
                () -> turns.ask(() -> backend.ask(question)
                        .map(answer -> allows(answer.getStatus()))
                        .onFailure(WebApplicationException.class)
                        .recoverWithUni(Webhook::refused)));
    }

    private static boolean allows(int status) {
        return Response.Status.Family.familyOf(status) == Response.Status.Family.SUCCESSFUL;
    }

    private static Uni<Boolean> refused(WebApplicationException refusal) {
        int status = refusal.getResponse().getStatus();
        boolean inTrouble = NO_ANSWER.contains(status)
                || Response.Status.Family.familyOf(status) == Response.Status.Family.SERVER_ERROR;
        return inTrouble ? Uni.createFrom().failure(refusal) : Uni.createFrom().item(false);
    }
}
