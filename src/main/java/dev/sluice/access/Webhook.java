package dev.sluice.access;

import dev.sluice.access.Backend.Question;
import dev.sluice.bulkhead.Bulkhead;
import dev.sluice.config.WebhookConfig;
import dev.sluice.route.Channel;
import dev.sluice.span.Span;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response;
import java.net.URI;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Allows the users whom a backend allows. */
final class Webhook implements ChannelAuthorizer {

    /** HTTP statuses that mean that the backend failed, and has decided nothing. */
    private static final Set<Integer> NO_ANSWER =
            Set.of(Response.Status.REQUEST_TIMEOUT.getStatusCode(), Response.Status.TOO_MANY_REQUESTS.getStatusCode());

    private final BackendClient backend;
    private final Bulkhead<Boolean> bulkhead;
    private final WebhookCache<Question> answers;

    Webhook(
            URI url,
            WebhookConfig config,
            TlsConfigurationRegistry tls,
            Bulkhead<Boolean> bulkhead,
            WebhookCache<Question> answers) {
        this.backend = BackendClient.at(url, config, tls);
        this.bulkhead = bulkhead;
        this.answers = answers;
    }

    @Override
    public @Nullable Boolean known(String user, Channel channel) {
        return answers.known(new Question(user, channel.name()));
    }

    @Override
    public Uni<Boolean> ask(String user, Channel channel, Span span) {
        Question question = new Question(user, channel.name());
        return answers.ask(
                question,
                () -> bulkhead.call(() -> backend.send(
                                span,
                                (asked, call) -> asked.mayListen(
                                        call.header(Backend.PARENT), call.header(Backend.STATE), question))
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
