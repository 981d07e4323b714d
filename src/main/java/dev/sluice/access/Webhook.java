package dev.sluice.access;

import dev.sluice.bulkhead.Bulkhead;
import dev.sluice.route.Channel;
import dev.sluice.span.Span;
import io.smallrye.mutiny.Uni;
import io.vertx.core.json.JsonObject;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Allows the users whom a backend allows. */
final class Webhook implements ChannelAuthorizer {

    /** HTTP statuses that mean that the backend failed, and has decided nothing. */
    private static final Set<Integer> NO_ANSWER =
            Set.of(Response.Status.REQUEST_TIMEOUT.getStatusCode(), Response.Status.TOO_MANY_REQUESTS.getStatusCode());

    private static final Set<Response.Status.Family> NO_DECISION =
            Set.of(Response.Status.Family.INFORMATIONAL, Response.Status.Family.SERVER_ERROR);

    /**
     * Whether a user may listen to a channel.
     *
     * @param user the subject of the user's token
     * @param channel the channel's name
     */
    record Question(String user, String channel) {

        private JsonObject toJson() {
            return new JsonObject().put("user", user).put("channel", channel);
        }
    }

    private final BackendClient backend;
    private final Bulkhead<Boolean> bulkhead;
    private final WebhookCache<Question> answers;

    Webhook(BackendClient backend, Bulkhead<Boolean> bulkhead, WebhookCache<Question> answers) {
        this.backend = backend;
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
                () -> bulkhead.call(
                        () -> backend.ask(question.toJson(), span).onItem().transformToUni(Webhook::answer)));
    }

    private static Uni<Boolean> answer(int status) {
        Response.Status.Family family = Response.Status.Family.familyOf(status);
        return NO_ANSWER.contains(status) || NO_DECISION.contains(family)
                ? Uni.createFrom().failure(new IOException("answered with status " + status))
                : Uni.createFrom().item(family == Response.Status.Family.SUCCESSFUL);
    }
}
