package dev.sluice.access;

import dev.sluice.bulkhead.Bulkhead;
import dev.sluice.config.SluiceConfig;
import dev.sluice.config.WebhookConfig;
import dev.sluice.log.LimitMeter;
import dev.sluice.span.Span;
import io.smallrye.mutiny.Uni;
import io.vertx.core.json.JsonObject;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks a backend whether the user of a valid token may connect: 2xx means yes, 403 no, and everything else no decision.
 * Caches answers by token.
 */
final class ConnectWebhook {

    /**
     * Whether the user of a valid token may connect.
     *
     * @param user the token's subject
     * @param claims all that the token says
     */
    record ConnectRequest(String user, Map<String, Object> claims) {

        private JsonObject toJson() {
            return new JsonObject().put("user", user).put("claims", claims);
        }
    }

    /** Tokens that wait for an answer: a token that asks counts twice, one that shares the answer once. */
    private final TokenBudget waiting;

    private final LimitMeter tooMany;
    private final BackendClient backend;
    private final Bulkhead<Boolean> bulkhead;
    /** By the digest of the token, which may be long. */
    private final WebhookCache<String> answers;

    ConnectWebhook(BackendClient backend, SluiceConfig config, LimitMeter tooMany) {
        WebhookConfig webhook = config.webhook();
        this.waiting = new TokenBudget(
                Integer.MAX_VALUE, (int) webhook.connectTokenBytes().asLongValue());
        this.tooMany = tooMany;
        this.bulkhead = new Bulkhead<>(
                "the answer of sluice.webhook.connect.url",
                webhook.timeout(),
                webhook.concurrency(),
                config.access().pending());
        this.answers = new WebhookCache<>(webhook);
        this.backend = backend;
    }

    /** Whether the user may connect; fails without a decision. Answers on any thread. */
    Uni<Boolean> ask(String token, ConnectRequest request, Span span) {
        String key = digest(token);
        int characters = token.length();
        return charged(characters, () -> answers.ask(key, () -> charged(characters, () -> question(request, span))));
    }

    private Uni<Boolean> question(ConnectRequest request, Span span) {
        // A question that timed out stays in the queue, but its content is released.
        AtomicReference<@Nullable ConnectRequest> kept = new AtomicReference<>(request);
        return bulkhead.call(() -> {
                    ConnectRequest asked = kept.get();
                    return asked == null ? Uni.createFrom().failure(new TimeoutException()) : send(asked, span);
                })
                .onTermination()
                .invoke(() -> kept.set(null));
    }

    private Uni<Boolean> send(ConnectRequest request, Span span) {
        return backend.ask(request.toJson(), span).onItem().transformToUni(ConnectWebhook::answer);
    }

    /**
     * Fails at once if too many characters wait; otherwise they count until there is an answer, or the client leaves.
     */
    private Uni<Boolean> charged(int characters, Supplier<Uni<Boolean>> asked) {
        return Uni.createFrom().deferred(() -> {
            if (waiting.enter(characters)) {
                return asked.get().onTermination().invoke(() -> waiting.leave(characters));
            }
            tooMany.exceeded();
            return Uni.createFrom().failure(new IOException("too many tokens wait for an answer"));
        });
    }

    private static Uni<Boolean> answer(int status) {
        if (Response.Status.Family.familyOf(status) == Response.Status.Family.SUCCESSFUL) {
            return Uni.createFrom().item(true);
        }
        return status == Response.Status.FORBIDDEN.getStatusCode()
                ? Uni.createFrom().item(false)
                : Uni.createFrom().failure(new IOException("answered with status " + status));
    }

    /** Returns the digest of the signed part, because the text of a signature can be changed without breaking it. */
    static String digest(String token) {
        String signed = token.substring(0, token.lastIndexOf('.'));
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(signed.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
