package dev.sluice.linger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.sluice.control.SubscriptionsMessage;
import dev.sluice.registry.LingeringSubscriptions;
import dev.sluice.route.Channel;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Subscriptions that are to be sent to the other pods, in messages of bounded length. A user's subscriptions may be
 * spread over several. Not thread-safe, except {@link #isOwn}.
 */
final class OutgoingSubscriptions {

    static final String USERS = "users";

    private static final String FROM = "from";

    /** The bytes of a message; {@link dev.sluice.control.Control#tellSubscriptions} allows a bit more. */
    private static final int MAX_BYTES = 8 * 1024;

    private final String pod = UUID.randomUUID().toString();
    private final Set<String> wanted = new LinkedHashSet<>();
    // Linked, because a plain hash table that is emptied from its beginning searches all empty slots each time.
    private final Map<String, Map<Channel, Long>> told = new LinkedHashMap<>();
    private final long maxBytes;
    private final int maxPerUser;
    private long bytes;

    /**
     * Creates an empty queue.
     *
     * @param maxBytes memory for what waits, charged as {@link LingeringSubscriptions} does
     * @param maxPerUser how many channels of one user may wait
     */
    OutgoingSubscriptions(long maxBytes, int maxPerUser) {
        this.maxBytes = maxBytes;
        this.maxPerUser = maxPerUser;
    }

    /** Adds a request for a user's subscriptions; returns whether there is room. */
    boolean want(String user) {
        if (!wanted.contains(user)) {
            if (!charge(LingeringSubscriptions.USER_OVERHEAD)) {
                return false;
            }
            wanted.add(user);
        }
        return true;
    }

    /** Adds a user's subscriptions; returns false if some were left out for lack of room. */
    boolean tell(String user, Map<Channel, Long> stamps) {
        Map<Channel, Long> known = told.get(user);
        if (known == null && !charge(LingeringSubscriptions.USER_OVERHEAD)) {
            return false;
        }
        Map<Channel, Long> waiting = known == null ? new LinkedHashMap<>() : known;
        boolean all = true;
        for (Map.Entry<Channel, Long> stamp : stamps.entrySet()) {
            Channel channel = stamp.getKey();
            if (waiting.containsKey(channel)) {
                waiting.merge(channel, stamp.getValue(), LingeringSubscriptions::newer);
            } else if (waiting.size() < maxPerUser && charge(cost(channel))) {
                waiting.put(channel, stamp.getValue());
            } else {
                all = false;
            }
        }
        if (!waiting.isEmpty()) {
            told.put(user, waiting);
        } else {
            bytes -= LingeringSubscriptions.USER_OVERHEAD;
        }
        return all;
    }

    private boolean charge(int cost) {
        if (bytes + cost > maxBytes) {
            return false;
        }
        bytes += cost;
        return true;
    }

    private static int cost(Channel channel) {
        return LingeringSubscriptions.CHANNEL_OVERHEAD + channel.length();
    }

    boolean isOwn(JsonNode message) {
        return message.path(FROM).asText().equals(pod);
    }

    /** Removes and returns the next message; {@code null} if there is none. */
    @Nullable
    String next() {
        if (!wanted.isEmpty()) {
            return wanted();
        }
        return told.isEmpty() ? null : told();
    }

    private String wanted() {
        StringBuilder users = new StringBuilder();
        int length = 0;
        for (Iterator<String> waiting = wanted.iterator(); waiting.hasNext() && length < MAX_BYTES - 2048; ) {
            String user = quoted(waiting.next());
            length += length(user);
            users.append(users.isEmpty() ? "" : ",").append(user);
            waiting.remove();
            bytes -= LingeringSubscriptions.USER_OVERHEAD;
        }
        return message(SubscriptionsMessage.WANTED, "[" + users + "]");
    }

    private String told() {
        StringBuilder users = new StringBuilder();
        int length = 0;
        for (Iterator<Map.Entry<String, Map<Channel, Long>>> waiting =
                        told.entrySet().iterator();
                waiting.hasNext() && length < MAX_BYTES - 4096; ) {
            Map.Entry<String, Map<Channel, Long>> user = waiting.next();
            StringBuilder list = new StringBuilder();
            int more = length(quoted(user.getKey()));
            Iterator<Map.Entry<Channel, Long>> stamps =
                    user.getValue().entrySet().iterator();
            while (stamps.hasNext() && length + more < MAX_BYTES - 2048) {
                Map.Entry<Channel, Long> stamp = stamps.next();
                String channel = quoted(stamp.getKey().name()) + ":" + stamp.getValue();
                more += length(channel);
                list.append(list.isEmpty() ? "" : ",").append(channel);
                stamps.remove();
                bytes -= cost(stamp.getKey());
            }
            length += more;
            users.append(users.isEmpty() ? "" : ",")
                    .append(quoted(user.getKey()))
                    .append(":{")
                    .append(list)
                    .append('}');
            if (!stamps.hasNext()) {
                waiting.remove();
                bytes -= LingeringSubscriptions.USER_OVERHEAD;
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

    /** Returns the maximum bytes of the JSON in a signed message, where it is a JSON string and so escaped again. */
    private static int length(String json) {
        int bytes = 3;
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (c == '"' || c == '\\' || c == '/') {
                bytes += 2;
            } else if (c < 0x7F) {
                bytes += 1;
            } else {
                // jose4j writes some of these as six characters.
                bytes += 6;
            }
        }
        return bytes;
    }
}
