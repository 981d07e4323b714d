package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;

/**
 * A pod, maybe this one, has said something about users' subscriptions. Fired on the thread that reads Redis.
 *
 * @param command what it is
 * @param content the whole message, of which nothing is known but its command; not signed where there is no secret
 */
public record SubscriptionsMessage(String command, JsonNode content) {

    /** Users are subscribed, or were when their last connection ended. */
    public static final String TOLD = "subscriptions";

    /** Pods are to tell the subscriptions of users. */
    public static final String WANTED = "subscriptions_wanted";

    static final Set<String> COMMANDS = Set.of(TOLD, WANTED);
}
