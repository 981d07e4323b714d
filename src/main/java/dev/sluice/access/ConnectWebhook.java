package dev.sluice.access;

import dev.sluice.access.Backend.Arrival;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Asks a backend whether the bearer of a good token may connect: 2xx is a yes, 403 a no, and everything else no answer.
 * Answers are kept by the token.
 */
final class ConnectWebhook {

    private final Backend backend;
    private final Turns turns;
    /** By the digest of the token, which may be long. */
    private final Answers<String> answers;

    ConnectWebhook(URI url, AccessConfig config, TlsConfigurationRegistry tls) {
        if (!Backend.isUsable(url)) {
            throw new ConfigurationException("sluice.webhook.connect.url is not an http or https URL");
        }
        AccessConfig.Webhook webhook = config.webhook();
        this.turns = new Turns("sluice.webhook", webhook.timeout(), webhook.concurrency(), config.pending());
        this.answers = new Answers<>(webhook);
        this.backend = Backend.at(url, webhook, tls);
    }

    /** Whether the bearer may connect; fails where the backend does not say. May answer on any thread. */
    Uni<Boolean> ask(String token, Arrival arrival) {
        return answers.ask(
                digest(token),
                () -> turns.ask(() -> backend.mayConnect(arrival)
                        .onItem()
                        .transformToUni(answer -> answer(answer.getStatus()))
                        .onFailure(WebApplicationException.class)
                        .recoverWithUni(refusal -> answer(refusal.getResponse().getStatus()))));
    }

    private static Uni<Boolean> answer(int status) {
        if (Response.Status.Family.familyOf(status) == Response.Status.Family.SUCCESSFUL) {
            return Uni.createFrom().item(true);
        }
        return status == Response.Status.FORBIDDEN.getStatusCode()
                ? Uni.createFrom().item(false)
                : Uni.createFrom().failure(new IOException("answered with status " + status));
    }

    private static String digest(String token) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
