package dev.sluice.linger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.sluice.control.SubscriptionsMessage;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What the other pods are yet to be told, gathered into messages of bounded length. A user's subscriptions may be spread
 * over several. Not safe for use by several threads, except {@link #isOwn}.
 */
final class OutgoingSubscriptions {

    static final String USERS = "users";

    private static final String FROM = "from";

    /** Bytes of a message; {@link dev.sluice.control.Control#tellSubscriptions} takes a bit more. */
    private static final int MAX_BYTES = 8 * 1024;

    /** Users who wait, for either kind of message. */
    private static final int MAX_USERS = 50_000;

    private final String pod = UUID.randomUUID().toString();
    private final Set<String> wanted = new LinkedHashSet<>();
    private final Map<String, Map<Channel, Long>> told = new LinkedHashMap<>();

    /** Whether there is room for it. */
    boolean want(String user) {
        if (wanted.size() >= MAX_USERS) {
            return false;
        }
        wanted.add(user);
        return true;
    }

    /** Whether there is room for it. */
    boolean tell(String user, Map<Channel, Long> stamps) {
        if (told.size() >= MAX_USERS) {
            return false;
        }
        told.computeIfAbsent(user, x -> new HashMap<>()).putAll(stamps);
        return true;
    }

    boolean isOwn(JsonNode message) {
        return message.path(FROM).asText().equals(pod);
    }

    /** The next message, which then is no longer to be told; {@code null} where there is none. */
    @Nullable
    String next() {
        if (!wanted.isEmpty()) {
            return wanted();
        }
        return told.isEmpty() ? null : told();
    }

    private String wanted() {
        StringBuilder users = new StringBuilder();
        int bytes = 0;
        for (Iterator<String> waiting = wanted.iterator(); waiting.hasNext() && bytes < MAX_BYTES - 2048; ) {
            String user = quoted(waiting.next());
            bytes += length(user);
            users.append(users.isEmpty() ? "" : ",").append(user);
            waiting.remove();
        }
        return message(SubscriptionsMessage.WANTED, "[" + users + "]");
    }

    private String told() {
        StringBuilder users = new StringBuilder();
        int bytes = 0;
        for (Iterator<Map.Entry<String, Map<Channel, Long>>> waiting =
                        told.entrySet().iterator();
                waiting.hasNext() && bytes < MAX_BYTES - 4096; ) {
            Map.Entry<String, Map<Channel, Long>> user = waiting.next();
            StringBuilder channels = new StringBuilder();
            int more = length(quoted(user.getKey()));
            Iterator<Map.Entry<Channel, Long>> stamps =
                    user.getValue().entrySet().iterator();
            while (stamps.hasNext() && bytes + more < MAX_BYTES - 2048) {
                Map.Entry<Channel, Long> stamp = stamps.next();
                String channel = quoted(stamp.getKey().name()) + ":" + stamp.getValue();
                more += length(channel);
                channels.append(channels.isEmpty() ? "" : ",").append(channel);
                stamps.remove();
            }
            bytes += more;
            users.append(users.isEmpty() ? "" : ",")
                    .append(quoted(user.getKey()))
                    .append(":{")
                    .append(channels)
                    .append('}');
            if (!stamps.hasNext()) {
                waiting.remove();
            }
        }
        return message(SubscriptionsMessage.TOLD, "{" + users + "}");
    }

    private String message(String command, String users) {
        return "{\"command\":\"" + command + "\",\"" + FROM + "\":\"" + pod + "\",\"" + USERS + "\":" + users + "}";
    }

    private static String quoted(String text) {
        return TextNode.valueOf(text).toString();
    }

    private static int length(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length + 3;
    }
}
