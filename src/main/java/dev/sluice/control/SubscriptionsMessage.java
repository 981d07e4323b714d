package dev.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;

/**
 * A message about users' subscriptions, from any pod, maybe this one. Fired on the thread that reads Redis.
 *
 * @param command {@link #TOLD} or {@link #WANTED}
 * @param content the whole message, of which only the command has been checked; not signed where there is no secret
 */
public record SubscriptionsMessage(String command, JsonNode content) {

    /** Users are subscribed, or were when their last connection ended. */
    public static final String TOLD = "subscriptions";

    /** A pod asks the others for the subscriptions of users. */
    public static final String WANTED = "subscriptions_wanted";

    static final Set<String> COMMANDS = Set.of(TOLD, WANTED);
}
