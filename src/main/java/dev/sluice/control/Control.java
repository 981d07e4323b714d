package dev.sluice.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.github.benmanes.caffeine.cache.Ticker;
import dev.sluice.config.SluiceConfig;
import dev.sluice.feed.Feed;
import dev.sluice.feed.PodMessage;
import dev.sluice.log.LogThrottle;
import dev.sluice.publish.Publisher;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Publishes messages to the other pods and fires an event for each one received. */
@Startup
@Singleton
public final class Control {

    private static final Logger LOG = Logger.getLogger(Control.class);

    /** More disconnects than operators request in a minute; some 2 MB. */
    private static final int MAX_IDS = 10_000;

    private static final String COMMAND = "command";
    private static final String USER = "user";
    private static final String DISCONNECT = "disconnect_user";

    private final @Nullable MessageSigner signer;
    private final Publisher publisher;
    private final Event<DisconnectUser> disconnects;
    private final Event<SubscriptionsMessage> subscriptions;
    private final ObjectMapper json;
    private final Counter refused;
    private final LogThrottle refusals = new LogThrottle();

    Control(
            SluiceConfig config,
            Publisher publisher,
            Event<DisconnectUser> disconnects,
            Event<SubscriptionsMessage> subscriptions,
            ObjectMapper json,
            MeterRegistry metrics) {
        this.signer = config.control().secret().map(Control::signer).orElse(null);
        this.publisher = publisher;
        this.disconnects = disconnects;
        this.subscriptions = subscriptions;
        this.json = json;
        this.refused = Counter.builder("sluice.refused")
                .description("What was refused because of a limit or rule")
                .tag("limit", "control")
                .register(metrics);
    }

    private static MessageSigner signer(String secret) {
        byte[] bytes = secret.getBytes(StandardCharsets.UTF_8);
        return new MessageSigner(bytes, InstantSource.system(), new ReplayCache(MAX_IDS, Ticker.systemTicker()));
    }

    /** Whether pods share a secret, so that they can disconnect users of each other. */
    public boolean enabled() {
        return signer != null;
    }

    /**
     * Asks every other pod to disconnect the user. Completes and fails as {@link Publisher#publish} does; pods with
     * another secret ignore the message.
     */
    public Uni<Long> disconnect(String user) {
        if (signer == null) {
            throw new IllegalStateException("sluice.control.secret is not set");
        }
        String content = JsonNodeFactory.instance
                .objectNode()
                .put(COMMAND, DISCONNECT)
                .put(USER, user)
                .toString();
        return publisher.publish(Feed.CONTROL, signer.sign(content).getBytes(StandardCharsets.US_ASCII));
    }

    /**
     * Sends every other pod a message about users' subscriptions, which they may receive more than once. Without a secret
     * it is not signed, and any Redis client could have sent it: the receiver must check each subscription.
     *
     * @param content with the field {@code command}, whose value is one of {@link SubscriptionsMessage}'s; at most 10,000
     *     bytes
     */
    public Uni<Long> tellSubscriptions(String content) {
        return publisher.publish(
                Feed.CONTROL,
                signer == null
                        ? content.getBytes(StandardCharsets.UTF_8)
                        : signer.signRepeatable(content).getBytes(StandardCharsets.US_ASCII));
    }

    void heard(@Observes PodMessage message) {
        if (signer == null) {
            if (message.text() != null) {
                hear(message.text());
            }
            return;
        }
        MessageSigner.Verification verification =
                message.text() == null ? new MessageSigner.Verification.Refused() : signer.verify(message.text());
        if (verification instanceof MessageSigner.Verification.Genuine genuine) {
            act(genuine.content());
        } else if (verification instanceof MessageSigner.Verification.Repeatable repeatable) {
            hear(repeatable.content());
        } else if (verification instanceof MessageSigner.Verification.Refused) {
            refused.increment();
            long count = refusals.pass();
            if (count > 0) {
                LOG.warnf(
                        "Sluice ignored invalid messages on %s: %d. They are forged, old or repeated, or their pod has another secret,"
                                + " clock or version; the next log line follows in a minute",
                        Feed.CONTROL, count);
            }
        }
    }

    private void act(String content) {
        JsonNode command = parse(content);
        if (command.path(COMMAND).asText().equals(DISCONNECT)
                && command.path(USER).isTextual()) {
            disconnects.fire(new DisconnectUser(command.path(USER).textValue()));
        } else {
            LOG.debug("Sluice ignored a message of another pod that this version does not know");
        }
    }

    private void hear(String content) {
        JsonNode message = parse(content);
        if (SubscriptionsMessage.COMMANDS.contains(message.path(COMMAND).asText())) {
            subscriptions.fire(new SubscriptionsMessage(message.path(COMMAND).textValue(), message));
        }
    }

    private JsonNode parse(String content) {
        try {
            return json.readTree(content);
        } catch (JsonProcessingException e) {
            return JsonNodeFactory.instance.missingNode();
        }
    }
}
