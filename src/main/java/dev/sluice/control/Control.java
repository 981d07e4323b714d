package dev.sluice.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Publishes messages to the other pods and fires an event for each one received. */
@Startup
@Singleton
public final class Control {

    private static final Logger LOG = Logger.getLogger(Control.class);

    /** More disconnects than operators request in a minute; some 2 MB. */
    private static final int MAX_IDS = 10_000;

    /** The questions of the fleet in a minute, at some 700 a second; then some 8 MB. */
    private static final int MAX_QUESTIONS = 50_000;

    /** The length of the longest accepted id of a question. */
    private static final int MAX_ID = 64;

    /** An answer starts with this, the question's id and a colon, so that all other pods ignore it unread. */
    private static final String ANSWER = "answer:";

    private static final String COMMAND = "command";
    private static final String USER = "user";
    private static final String DISCONNECT = "disconnect_user";

    private final @Nullable MessageSigner signer;
    private final Publisher publisher;
    private final Event<DisconnectUser> disconnects;
    private final Event<SubscriptionsMessage> subscriptions;
    private final Event<FleetMessage> fleet;
    private final ObjectMapper json;
    private final Counter refused;
    private final ReplayCache questions = new ReplayCache(MAX_QUESTIONS, Ticker.systemTicker());
    private final Set<String> awaited = ConcurrentHashMap.newKeySet();
    private final LogThrottle refusals = new LogThrottle();

    Control(
            SluiceConfig config,
            Publisher publisher,
            Event<DisconnectUser> disconnects,
            Event<SubscriptionsMessage> subscriptions,
            Event<FleetMessage> fleet,
            ObjectMapper json,
            MeterRegistry metrics) {
        this.signer = config.control().secret().map(Control::signer).orElse(null);
        this.publisher = publisher;
        this.disconnects = disconnects;
        this.subscriptions = subscriptions;
        this.fleet = fleet;
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
     *
     * @param id identifies the answers, see {@link #await}
     */
    public Uni<Long> disconnect(String user, String id) {
        String content = JsonNodeFactory.instance
                .objectNode()
                .put(COMMAND, DISCONNECT)
                .put(USER, user)
                .put(FleetMessage.ID, id)
                .toString();
        return send(signer().sign(content));
    }

    /**
     * Sends every pod, also this one, a message about the fleet. Completes and fails as {@link Publisher#publish} does.
     *
     * @param command {@link FleetMessage#QUESTION}, with the field {@link FleetMessage#ID}, {@link FleetMessage#POD},
     *     {@link FleetMessage#LEAVE} or {@link FleetMessage#PRESENCE}
     * @param content at most 10,000 bytes
     */
    public Uni<Long> tell(String command, ObjectNode content) {
        return send(signer().signRepeatable(content.put(COMMAND, command).toString()));
    }

    /** Sends the answer to a question. Completes and fails as {@link Publisher#publish} does. */
    public Uni<Long> answer(String id, ObjectNode content) {
        return send(ANSWER + id + ":"
                + signer().signRepeatable(content.put(FleetMessage.ID, id).toString()));
    }

    /** Accepts answers to a question, until {@link #forget}; all others are ignored. */
    public void await(String id) {
        awaited.add(id);
    }

    /** Ends {@link #await}. */
    public void forget(String id) {
        awaited.remove(id);
    }

    private Uni<Long> send(String message) {
        return publisher.publish(Feed.CONTROL, message.getBytes(StandardCharsets.US_ASCII));
    }

    private MessageSigner signer() {
        if (signer == null) {
            throw new IllegalStateException("sluice.control.secret is not set");
        }
        return signer;
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
        String text = message.text();
        if (signer == null) {
            if (text != null) {
                hear(text);
            }
        } else if (text == null) {
            refuse();
        } else if (text.startsWith(ANSWER)) {
            hearAnswer(signer, text);
        } else {
            hear(signer.verify(text));
        }
    }

    private void hear(MessageSigner.Verification verification) {
        if (verification instanceof MessageSigner.Verification.Genuine genuine) {
            act(genuine.content(), false);
        } else if (verification instanceof MessageSigner.Verification.Own own) {
            act(own.content(), true);
        } else if (verification instanceof MessageSigner.Verification.Repeatable repeatable) {
            hear(repeatable.content());
        } else {
            refuse();
        }
    }

    private void refuse() {
        refused.increment();
        long count = refusals.pass();
        if (count > 0) {
            LOG.warnf(
                    "Sluice ignored invalid messages on %s: %d. They are forged, old or repeated, or their pod has another secret,"
                            + " clock or version; the next log line follows in a minute",
                    Feed.CONTROL, count);
        }
    }

    /** The id in front is not signed, so the one inside must be the same. */
    private void hearAnswer(MessageSigner signer, String text) {
        int end = text.indexOf(':', ANSWER.length());
        String id = end < 0 ? "" : text.substring(ANSWER.length(), end);
        if (!awaited.contains(id)) {
            return;
        }
        if (signer.verify(text.substring(end + 1)) instanceof MessageSigner.Verification.Repeatable repeatable) {
            JsonNode answer = parse(repeatable.content());
            if (answer.path(FleetMessage.ID).asText().equals(id)) {
                fleet.fire(new FleetMessage(FleetMessage.ANSWER, answer, text.length()));
                return;
            }
        }
        refuse();
    }

    private void act(String content, boolean own) {
        JsonNode command = parse(content);
        if (command.path(COMMAND).asText().equals(DISCONNECT)
                && command.path(USER).isTextual()) {
            disconnects.fire(new DisconnectUser(
                    command.path(USER).textValue(),
                    command.path(FleetMessage.ID).textValue(),
                    own));
        } else {
            LOG.debug("Sluice ignored a message of another pod that this version does not know");
        }
    }

    private void hear(String content) {
        JsonNode message = parse(content);
        String command = message.path(COMMAND).asText();
        if (SubscriptionsMessage.COMMANDS.contains(command)) {
            subscriptions.fire(new SubscriptionsMessage(command, message));
        } else if (signer != null && FleetMessage.COMMANDS.contains(command)) {
            if (command.equals(FleetMessage.QUESTION) && !isNew(message.path(FleetMessage.ID))) {
                refuse();
            } else {
                fleet.fire(new FleetMessage(command, message, content.length()));
            }
        }
    }

    private boolean isNew(JsonNode id) {
        return id.isTextual()
                && id.textValue().length() <= MAX_ID
                && questions.use(id.textValue()) == ReplayCache.Use.NEW;
    }

    private JsonNode parse(String content) {
        try {
            return json.readTree(content);
        } catch (JsonProcessingException e) {
            return JsonNodeFactory.instance.missingNode();
        }
    }
}
